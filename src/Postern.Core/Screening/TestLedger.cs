using Postern.Core.Allowlist;
using Postern.Core.Config;

namespace Postern.Core.Screening;

/// <summary>
/// The state of the five tests in one session, and the one place that applies ignore, enforce and drop. A test can be
/// in several of the sets at once, as in postscreen.
/// </summary>
public struct TestLedger
{
    /// <summary>Have to run, or had to: enabled, and the last pass has expired.</summary>
    public TestSet Due { get; private set; }

    /// <summary>Passed in this session.</summary>
    public TestSet Passed { get; private set; }

    /// <summary>Failed in this session, and that counts.</summary>
    public TestSet Failed { get; private set; }

    /// <summary>Will not run again in this session.</summary>
    public TestSet Settled { get; private set; }

    /// <summary>Whether a test of the phase still has to come to its result.</summary>
    public readonly bool IsWaitingFor(bool early)
    {
        foreach (var test in ScreeningTest.All)
        {
            if (test.IsEarly == early && Watches(test) && !Passed.Has(test))
                return true;
        }

        return false;
    }

    /// <summary>Whether the test still watches the client.</summary>
    public readonly bool Watches(ScreeningTest test) => Due.Has(test) && !Settled.Has(test);

    /// <summary>Makes due every enabled test whose pass has expired.</summary>
    /// <param name="settings">Which tests are enabled.</param>
    /// <param name="expiry">When the passes expire.</param>
    /// <param name="now">Seconds since 1970 UTC; a pass counts to the end of its last second.</param>
    public void Open(Settings settings, in TestExpiry expiry, uint now)
    {
        this = default;
        foreach (var test in ScreeningTest.All)
        {
            if (test.IsEnabled(settings) && now > test.ExpiryIn(expiry))
                Due = Due.With(test);
        }
    }

    /// <summary>Makes the deep tests due (a client that failed something is put through all of them) or not due.</summary>
    public void SetDeepTestsDue(bool due)
    {
        foreach (var test in ScreeningTest.Deep)
            Due = due ? Due.With(test) : Due.Without(test);
    }

    /// <summary>The client passes the test; the pass counts for the test's TTL.</summary>
    public void Pass(ScreeningTest test, Settings settings, ClientAddressState client, Moment moment) =>
        Pass(test, test.Ttl(settings), client, moment);

    /// <summary>The client passes the test; the pass counts for this long.</summary>
    public void Pass(ScreeningTest test, TimeSpan ttl, ClientAddressState client, Moment moment)
    {
        Passed = Passed.With(test);
        client.Expiry = test.WithExpiry(client.Expiry, Expiry(moment, ttl));
    }

    /// <summary>The test has come to a result and does not run any more.</summary>
    public void Settle(ScreeningTest test) => Settled = Settled.With(test);

    /// <summary>
    /// A test says so much good of the client that it passes all others, and need not run them. Their expiry is raised
    /// also where they are not due or not even enabled, as in postscreen.
    /// </summary>
    public void PassAllBut(ScreeningTest witness, TimeSpan ttl, ClientAddressState client, Moment moment)
    {
        foreach (var test in ScreeningTest.All)
        {
            if (test == witness)
                continue;
            if (Due.Has(test) && !Passed.Has(test))
                (Settled, Passed) = (Settled.With(test), Passed.With(test));
            client.Expiry = test.WithExpiry(client.Expiry, Math.Max(test.ExpiryIn(client.Expiry), Expiry(moment, ttl)));
        }
    }

    /// <summary>
    /// The client fails the test: notes it as the configured action wants and returns that action. An early test that
    /// is ignored stays marked as failed until <see cref="Forgive"/>; a deep test that is ignored counts as passed for
    /// the shortest TTL.
    /// </summary>
    public FailAction Fail(ScreeningTest test, Settings settings, ClientAddressState client, Moment moment)
    {
        var action = test.Action(settings);
        Settled = Settled.With(test);
        if (test.IsEarly)
        {
            Failed = Failed.With(test);
        }
        else if (action is FailAction.Ignore)
        {
            Passed = Passed.With(test);
            client.Expiry = test.WithExpiry(client.Expiry, Expiry(moment, ShortestTtl(settings)));
        }
        else
        {
            Failed = Failed.With(test);
            Passed = Passed.Without(test);
            client.Expiry = test.WithExpiry(client.Expiry, 1);
        }

        return action;
    }

    /// <summary>A failure whose action is ignore no longer counts. It is no pass either: the test runs again next time.</summary>
    public void Forgive(ScreeningTest test) => Failed = Failed.Without(test);

    /// <summary>Takes back every pass: a client that failed anything is not remembered.</summary>
    public void RevokePasses() => Passed = default;

    private static uint Expiry(Moment moment, TimeSpan ttl) =>
        (uint)Math.Min(uint.MaxValue, moment.UnixSeconds + (long)ttl.TotalSeconds);

    private static TimeSpan ShortestTtl(Settings settings)
    {
        var shortest = settings.DnsblMinTtl;
        foreach (var test in ScreeningTest.All)
            shortest = test.Ttl(settings) < shortest ? test.Ttl(settings) : shortest;
        return shortest;
    }
}

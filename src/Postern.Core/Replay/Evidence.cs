using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>What the recording says of the allowlist at the moment at which a client came, beyond what its earlier visits explain.</summary>
/// <param name="Found">Until when passes were good that come from before the recording, or from elsewhere; seconds since 1970 UTC.</param>
/// <param name="Foreign">Of which tests.</param>
/// <param name="IsWritten">False: it is only known that they were good at that moment.</param>
/// <param name="Forgotten">Tests that somebody had made the allowlist forget.</param>
internal readonly record struct Evidence(TestExpiry Found, TestSet Foreign, bool IsWritten, TestSet Forgotten)
{
    /// <summary>Puts it into what a replay remembers.</summary>
    /// <param name="record">What the replay remembers.</param>
    /// <param name="rules">Its settings.</param>
    /// <param name="now">Seconds since 1970 UTC.</param>
    public RecordRange ApplyTo(RecordRange record, ReplayRules rules, uint now)
    {
        if (Foreign.IsEmpty && Forgotten.IsEmpty)
            return record;
        foreach (var test in ScreeningTest.All)
        {
            if (Forgotten.Has(test))
                record = record.With(test, 0, 0);
            if (!Foreign.Has(test))
                continue;
            var (least, most) = Adjusted(test, test.ExpiryIn(Found), rules, now);
            record = record.With(test, Math.Max(least, test.ExpiryIn(record.Least)), Math.Max(most, test.ExpiryIn(record.Most)));
        }

        return record;
    }

    // Until when the pass would have been good with the time to live of the replay; or still is, since it may be older than that.
    // When it was passed is not known.
    private (uint Least, uint Most) Adjusted(ScreeningTest test, uint expiry, ReplayRules rules, uint now)
    {
        var (least, most) = Difference(test, rules.Recorded, rules.Settings);
        var horizon = now + (uint)ScreeningTest.LifetimesIn(rules.Settings).Longest.TotalSeconds;
        if (!IsWritten)
            return (least == 0 && most == 0 ? expiry : 0, horizon);
        return (Moved(Math.Min(least, 0)), Math.Min(Moved(Math.Max(most, 0)), Math.Max(expiry, horizon)));

        uint Moved(long seconds) => (uint)Math.Clamp(expiry + seconds, 0, uint.MaxValue);
    }

    private static (long Least, long Most) Difference(ScreeningTest test, Settings before, Settings after)
    {
        if (test == ScreeningTest.Dnsbl)
            return OfLists(before, after);
        var own = (long)(test.Ttl(after) - test.Ttl(before)).TotalSeconds;
        if (before.DnsblAllowlistThreshold >= 0)
            return (own, own);
        var (least, most) = OfLists(before, after); // a list's praise passes the other tests for as long as its answer is good
        return (Math.Min(own, least), Math.Max(own, most));
    }

    private static (long Least, long Most) OfLists(Settings before, Settings after)
    {
        if ((before.DnsblMinTtl, before.DnsblMaxTtl) == (after.DnsblMinTtl, after.DnsblMaxTtl))
            return (0, 0);
        var (shortest, longest) = (Shortest(before), (long)before.DnsblMaxTtl.TotalSeconds);
        return (Shortest(after) - longest, (long)after.DnsblMaxTtl.TotalSeconds - shortest);
    }

    private static long Shortest(Settings settings) => (long)Math.Min(settings.DnsblMinTtl.TotalSeconds, settings.DnsblMaxTtl.TotalSeconds);
}

/// <summary>Reads out of an address's recorded visits, in the order in which they came, what the allowlist had of it.</summary>
internal sealed class AllowlistWitness
{
    private const int MaxRecords = 8;

    private readonly List<TestExpiry> _remembered = [];
    private TestSet _passed; // as versions wrote that did not say until when
    private DateTimeOffset _busyUntil;

    /// <summary>Another address follows.</summary>
    public void Reset()
    {
        _remembered.Clear();
        _passed = default;
        _busyUntil = default;
    }

    /// <summary>Takes in the next visit.</summary>
    /// <param name="client">The visit.</param>
    /// <param name="recorded">The settings that are thought to have been in force.</param>
    /// <returns>What is to be known of the allowlist when it came.</returns>
    public Evidence Take(RecordedClient client, Settings recorded)
    {
        var isAlone = client.Connected >= _busyUntil;
        var evidence = Judge(client, recorded, CacheRecord.Seconds(client.Connected), isAlone);
        if (client.Connected + client.Duration > _busyUntil)
            _busyUntil = client.Connected + client.Duration;
        if (client.Remembered is { } record)
        {
            if (_remembered.Count == MaxRecords)
                _remembered.RemoveAt(0);
            _remembered.Add(record);
        }
        else
        {
            _passed = new((byte)(_passed.Columns | client.Passed.Columns));
        }

        return evidence;
    }

    private Evidence Judge(RecordedClient client, Settings recorded, uint now, bool isAlone)
    {
        var (foreign, forgotten) = (default(TestSet), default(TestSet));
        var found = client.Record ?? (client.Entrance is Entrance.Known ? new TestExpiry(now, now, now, now, now) : default);
        foreach (var test in ScreeningTest.All)
        {
            var expiry = test.ExpiryIn(found);
            if (expiry > 1 && !IsExplained(test, expiry, client.Record is not null) && (client.Record is not null || test.IsEnabled(recorded)))
                foreign = foreign.With(test);
            if (isAlone && IsForgotten(client, test, recorded, now))
                forgotten = forgotten.With(test);
        }

        return new(found, foreign, client.Record is not null, forgotten);
    }

    private bool IsExplained(ScreeningTest test, uint expiry, bool isWritten) =>
        isWritten ? _remembered.Exists(record => test.ExpiryIn(record) == expiry) : _passed.Has(test) || _remembered.Exists(record => test.ExpiryIn(record) >= expiry);

    // It had passed, and was not known, or had to run the test all the same. Who is refused by the access list is not looked for.
    private bool IsForgotten(RecordedClient client, ScreeningTest test, Settings recorded, uint now)
    {
        if (_remembered.Count == 0 || test.ExpiryIn(_remembered[^1]) is var last && (last < now || last <= 1))
            return false;
        return client.Record is { } record
            ? test.ExpiryIn(record) is var found && found < last && !IsExplained(test, found, isWritten: true)
            : client.Due.Has(test) && (test.IsEarly || client.Failed.IsEmpty) && test.IsEnabled(recorded) && !client.Causes.HasFlag(ScreeningCause.Denylisted);
    }
}

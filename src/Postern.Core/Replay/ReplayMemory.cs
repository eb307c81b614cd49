using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>
/// The temporary allowlist of a replay, for one address: what the replayed sessions passed, and what was known from before
/// the recording began or came from elsewhere, with the time that the pass would have been good for.
/// </summary>
/// <param name="clients">All recorded sessions of the address.</param>
/// <param name="recorded">The settings that are thought to have been in force.</param>
/// <param name="settings">Those of the replay.</param>
/// <param name="recollection">Whether a pass is still good where nobody can tell.</param>
internal sealed class ReplayMemory(IReadOnlyList<RecordedClient> clients, Settings recorded, Settings settings, Recollection recollection)
{
    private readonly HashSet<(ScreeningTest Test, uint Expiry)> _explained =
    [
        .. from client in clients
           where client.Remembered is not null
           from test in ScreeningTest.All
           select (test, test.ExpiryIn(client.Remembered!.Value)),
    ];

    private const long Inexactness = 2; // seconds

    private TestExpiry? _own;
    private RecordedClient? _last;

    /// <summary>Whether a session has passed what is recorded of it; when it did in its time is not known.</summary>
    public static bool IsRecorded(TestExpiry record, TestSet passed, RecordedClient client) => client.Remembered is { } other
        && ScreeningTest.All.All(test => !passed.Has(test) || Math.Abs((long)test.ExpiryIn(record) - test.ExpiryIn(other)) <= Inexactness + (long)client.Duration.TotalSeconds);

    /// <summary>A replayed session has passed tests.</summary>
    public void Remember(in TestExpiry record) => _own = record;

    /// <summary>A session can have passed everything.</summary>
    /// <param name="now">Seconds since 1970 UTC.</param>
    public void Suppose(uint now)
    {
        var record = _own ?? default;
        foreach (var test in ScreeningTest.All.Where(test => test.IsEnabled(settings)))
            record = test.WithExpiry(record, Math.Max(test.ExpiryIn(record), now + (uint)test.Ttl(settings).TotalSeconds));
        _own = record;
    }

    /// <summary>A recorded session is over.</summary>
    public void Note(RecordedClient client) => _last = client.Remembered is null ? _last : client;

    /// <summary>What is remembered when a client comes.</summary>
    /// <param name="client">It.</param>
    /// <param name="now">Seconds since 1970 UTC.</param>
    /// <param name="record">Until when its passes are good.</param>
    /// <param name="isSupposed">Whether the recording cannot tell.</param>
    public bool TryRecall(RecordedClient client, uint now, out TestExpiry record, out bool isSupposed)
    {
        isSupposed = false;
        record = _own ?? default;
        var isKnown = _own is not null;
        var found = client.Record ?? (client.Entrance is Entrance.Known ? GoodFor(now) : null);
        foreach (var test in ScreeningTest.All)
        {
            if (WasForgotten(client, test, now))
                record = test.WithExpiry(record, 0);
            if (found is not { } before)
                continue;
            isKnown = true;
            var expiry = test.ExpiryIn(before);
            if (expiry <= 1 || _explained.Contains((test, expiry)))
                continue;
            expiry = Adjust(test, expiry, now, wasWritten: client.Record is not null, ref isSupposed);
            record = test.WithExpiry(record, Math.Max(expiry, test.ExpiryIn(record)));
        }

        if (_own is { } own)
            _own = new(Math.Min(own.Pregreet, record.Pregreet), Math.Min(own.Dnsbl, record.Dnsbl), Math.Min(own.Pipelining, record.Pipelining), Math.Min(own.NonSmtpCommand, record.NonSmtpCommand), Math.Min(own.BareNewline, record.BareNewline));
        return isKnown;
    }

    // It had passed, and had to run the test all the same: somebody had it forgotten. Who fails something runs all of them.
    private bool WasForgotten(RecordedClient client, ScreeningTest test, uint now) =>
        client.Due.Has(test) && client.Failed.IsEmpty && _last is { } last && last.Connected + last.Duration <= client.Connected
        && test.IsEnabled(recorded) && test.ExpiryIn(last.Remembered!.Value) >= now;

    private TestExpiry GoodFor(uint now)
    {
        TestExpiry record = default;
        foreach (var test in ScreeningTest.All)
        {
            if (test.IsEnabled(recorded))
                record = test.WithExpiry(record, now);
        }

        return record;
    }

    /// <summary>When the pass would have expired, had it been good for as long as the settings of the replay say.</summary>
    private uint Adjust(ScreeningTest test, uint expiry, uint now, bool wasWritten, ref bool isSupposed)
    {
        var (before, after) = (test.Ttl(recorded), test.Ttl(settings));
        var isSame = before == after && (test != ScreeningTest.Dnsbl || recorded.DnsblMaxTtl == settings.DnsblMaxTtl);
        if (isSame)
            return expiry;
        if (test != ScreeningTest.Dnsbl && wasWritten)
            return (uint)Math.Clamp(expiry + (long)(after - before).TotalSeconds, 0, uint.MaxValue);

        // When it passed is not known, or for how long the lists' answers are good.
        isSupposed = true;
        return recollection is Recollection.Least ? 0 : Math.Max(expiry, now);
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace Postern.Core.Reporting;

/// <summary>Counts what became of connections, whatever log tells of them, and makes the screening's part of a <see cref="Report"/>.</summary>
internal sealed class ScreeningTally
{
    private const int MaxPending = 1 << 20; // slots for those that were told to come back; the report says when there were more
    private const int MaxHours = 24 * 400;
    private const int Top = 10; // networks and lists that the report names

    private readonly CompactTable _toldToComeBackAt = new(MaxPending);
    private readonly Dictionary<DateTime, (int Stopped, int HandedOff, int NotTaken)> _hours = [];
    private readonly Networks _networks = new();
    private readonly ListedClients _lists = new();
    private readonly (int Connections, int Only)[] _causes = new (int, int)[32];
    private readonly Histogram _newClientWaits = new();
    private readonly Outages _outages = new();
    private (DateTime First, DateTime Last)? _period;
    private bool _isIncomplete;
    private int _stopped, _toldToComeBack, _notTaken, _byAccessList, _byProvider, _known, _new, _withoutWord, _neverCameBack;

    /// <summary>Connections that began.</summary>
    public int Connections { get; set; }

    /// <summary>Connections whose beginning stands in the log once more.</summary>
    public int Doubled { get; set; }

    /// <summary>Lines about connections whose beginning is not in the log.</summary>
    public long LinesWithoutBeginning { get; set; }

    /// <summary>How long early talkers held their tongue.</summary>
    public Histogram EarlyTalk { get; } = new();

    /// <summary>How long those stayed who hung up in the greet wait.</summary>
    public Histogram HangUps { get; } = new();

    /// <summary>How long clients stayed.</summary>
    public BreakOffCurves Curves { get; } = new();

    /// <summary>Something happened at this time.</summary>
    public void Note(DateTime time) =>
        _period = _period is var (first, last) ? (time < first ? time : first, time > last ? time : last) : (time, time);

    /// <summary>A connection ended with screening.</summary>
    public void Stopped(IpAddress address, DateTime began, ScreeningCause causes)
    {
        _stopped++;
        HourOf(began).Stopped++;
        _networks.Add(address);
        var isOnly = BitOperations.IsPow2((int)causes);
        for (var bits = (uint)causes; bits != 0; bits &= bits - 1)
        {
            ref var cause = ref _causes[BitOperations.TrailingZeroCount(bits)];
            cause = (cause.Connections + 1, cause.Only + (isOnly ? 1 : 0));
        }
    }

    /// <summary>A client passed tests in the dialogue and had to hang up.</summary>
    /// <param name="address">The client's.</param>
    /// <param name="began">When it connected, on the clock.</param>
    /// <param name="second">The same, in seconds since any moment.</param>
    /// <param name="isNew">Whether it had passed none before.</param>
    public void ToldToComeBack(IpAddress address, DateTime began, long second, bool isNew)
    {
        _toldToComeBack++;
        HourOf(began).Stopped++;
        if (!isNew)
            return;
        if (_toldToComeBackAt.IsFull)
        {
            // Those that were told first will not come any more.
            var middle = _toldToComeBackAt.Entries().Average(static entry => (double)(uint)entry.Value);
            var before = _toldToComeBackAt.Count;
            _toldToComeBackAt.Keep((_, told) => (uint)told > middle);
            _neverCameBack += before - _toldToComeBackAt.Count;
            _isIncomplete = true;
        }

        ref var at = ref _toldToComeBackAt.GetOrAdd(Fingerprint.Of(address));
        if (at == 0)
            at = (int)(uint)second;
    }

    /// <summary>A client that may have been told to come back goes on to the mail server.</summary>
    /// <param name="address">The client's.</param>
    /// <param name="second">When, in seconds since the same moment.</param>
    public void CameBack(IpAddress address, long second)
    {
        if (_toldToComeBackAt.Count > 0 && _toldToComeBackAt.Remove(Fingerprint.Of(address), out var told))
            _newClientWaits.Add(Math.Max(0, (uint)second - (long)(uint)told));
    }

    /// <summary>A connection went on to the mail server.</summary>
    /// <param name="pass">What let it in.</param>
    /// <param name="began">When it connected.</param>
    /// <param name="waited">How long a new client had to, in seconds; null: nobody knows.</param>
    public void HandedOff(ScreeningPass pass, DateTime began, double? waited)
    {
        switch (pass)
        {
            case ScreeningPass.ByAccessList: _byAccessList++; break;
            case ScreeningPass.ByProvider: _byProvider++; break;
            case ScreeningPass.Known: _known++; break;
            case ScreeningPass.New:
                _new++;
                if (waited is { } seconds)
                    _newClientWaits.Add(seconds);
                break;
            default: _withoutWord++; break;
        }

        HourOf(began).HandedOff++;
    }

    /// <summary>The mail server did not take a client.</summary>
    /// <param name="began">When it connected.</param>
    /// <param name="at">When the server did not take it.</param>
    /// <param name="problem">What was logged.</param>
    public void NotTaken(DateTime began, DateTime at, string problem)
    {
        _notTaken++;
        HourOf(began).NotTaken++;
        _outages.Add(at, problem);
    }

    /// <summary>A list has a client, which counts once a list.</summary>
    public void Listed(IpAddress address, ReadOnlySpan<byte> list) => _lists.Add(address, list);

    /// <summary>The counts so far.</summary>
    public Report Build() => new()
    {
        Period = _period,
        IsIncomplete = _isIncomplete,
        Connections = Connections,
        Doubled = Doubled,
        LinesWithoutBeginning = LinesWithoutBeginning,
        Stopped = _stopped,
        ToldToComeBack = _toldToComeBack,
        NotTaken = _notTaken,
        Outages = _outages.All(),
        HandedOff = new HandedOff(_byAccessList, _known, _new, _withoutWord, _byProvider),
        Causes = [.. _causes.Select(static (cause, bit) => new CauseCount((ScreeningCause)(1 << bit), cause.Connections, cause.Only)).Where(static cause => cause.Connections > 0).OrderByDescending(static cause => cause.Connections)],
        Hours = Hours(),
        Networks = _networks.Top(Top),
        NetworkError = _networks.Error,
        Lists = _lists.Top(Top),
        ListsAreEstimates = _lists.IsEstimate,
        EarlyTalk = EarlyTalk,
        HangUps = HangUps,
        NewClientWaits = _newClientWaits,
        NeverCameBack = _neverCameBack + _toldToComeBackAt.Count,
        BreakOff = Curves,
    };

    private ref (int Stopped, int HandedOff, int NotTaken) HourOf(DateTime began) =>
        ref CollectionsMarshal.GetValueRefOrAddDefault(_hours, new DateTime(began.Ticks - began.Ticks % TimeSpan.TicksPerHour), out _);

    private List<HourCount> Hours()
    {
        if (_hours.Count == 0)
            return [];
        var (first, last) = (_hours.Keys.Min(), _hours.Keys.Max());
        // A clock that was not set yet, as at 1970, makes no hours of the years between.
        var hours = (last - first).TotalHours < MaxHours ? Enumerable.Range(0, (int)(last - first).TotalHours + 1).Select(hour => first.AddHours(hour)) : _hours.Keys.Order();
        return [.. hours.Select(hour =>
        {
            var (stopped, handedOff, notTaken) = _hours.GetValueOrDefault(hour);
            return new HourCount(hour, stopped, handedOff, notTaken);
        })];
    }
}

/// <summary>What let a client in.</summary>
internal enum ScreeningPass : byte
{
    /// <summary>Nothing: no test was due, or what it failed is ignored.</summary>
    None,

    /// <summary><c>ALLOWLISTED</c>.</summary>
    ByAccessList,

    /// <summary><c>PASS OLD</c>.</summary>
    Known,

    /// <summary><c>PASS NEW</c>.</summary>
    New,

    /// <summary><c>PROVIDER PERMIT</c>: a server of a big provider (<c>postern_provider_passes</c>).</summary>
    ByProvider,
}

namespace Postern.Core.Reporting;

/// <summary>Counts what became of connections, whatever log tells of them, and makes the screening's part of a <see cref="Report"/>.</summary>
internal sealed class ScreeningTally
{
    private const int MaxNames = 4_000_000; // addresses, networks, mails; the report says when it met more
    private const int MaxHours = 24 * 400;
    private const int Top = 10; // networks and lists that the report names

    private static readonly ScreeningCause[] AllCauses = [.. Enum.GetValues<ScreeningCause>().Where(static cause => cause is not ScreeningCause.None)];

    private readonly Dictionary<IpAddress, DateTime> _toldToComeBackAt = [];
    private readonly Dictionary<DateTime, (int Stopped, int HandedOff)> _hours = [];
    private readonly Dictionary<IpAddress, int> _networks = [];
    private readonly Dictionary<string, int> _lists = [];
    private readonly HashSet<(IpAddress, string)> _listed = [];
    private readonly Dictionary<ScreeningCause, (int Connections, int Only)> _causes = [];
    private readonly Histogram _newClientWaits = new();
    private DateTime _first;
    private bool _isIncomplete;
    private int _stopped, _toldToComeBack, _byAccessList, _known, _new, _withoutWord;

    /// <summary>Connections that began.</summary>
    public int Connections { get; set; }

    /// <summary>The time noted last.</summary>
    public DateTime Last { get; private set; }

    /// <summary>How long early talkers held their tongue.</summary>
    public Histogram EarlyTalk { get; } = new();

    /// <summary>How long those stayed who hung up in the greet wait.</summary>
    public Histogram HangUps { get; } = new();

    /// <summary>How long clients stayed.</summary>
    public BreakOffCurves Curves { get; } = new();

    /// <summary>Something happened at this time.</summary>
    public void Note(DateTime time)
    {
        if (_first == default)
            _first = time;
        Last = time;
    }

    /// <summary>Whether one more name can be told apart; when not, the report says that it is incomplete.</summary>
    /// <param name="count">How many there are.</param>
    public bool HasRoom(int count)
    {
        _isIncomplete |= count >= MaxNames;
        return count < MaxNames;
    }

    /// <summary>A connection ended with screening.</summary>
    public void Stopped(IpAddress address, DateTime began, ScreeningCause causes)
    {
        _stopped++;
        CountHour(began, stopped: true);
        var network = address.Network(address.IsIPv4 ? 24 : 64);
        if (HasRoom(_networks.Count) || _networks.ContainsKey(network))
            _networks[network] = _networks.GetValueOrDefault(network) + 1;
        foreach (var cause in AllCauses)
        {
            if (!causes.HasFlag(cause))
                continue;
            var (connections, only) = _causes.GetValueOrDefault(cause);
            _causes[cause] = (connections + 1, only + (causes == cause ? 1 : 0));
        }
    }

    /// <summary>A client passed tests in the dialogue and had to hang up.</summary>
    /// <param name="isNew">Whether it had passed none before.</param>
    public void ToldToComeBack(IpAddress address, DateTime began, bool isNew)
    {
        _toldToComeBack++;
        if (isNew && HasRoom(_toldToComeBackAt.Count))
            _toldToComeBackAt.TryAdd(address, began);
        CountHour(began, stopped: true);
    }

    /// <summary>A client that may have been told to come back goes on to the mail server.</summary>
    public void CameBack(IpAddress address, DateTime time)
    {
        if (_toldToComeBackAt.Remove(address, out var began))
            _newClientWaits.Add((time - began).TotalSeconds);
    }

    /// <summary>A connection went on to the mail server.</summary>
    /// <param name="waited">How long a new client had to.</param>
    public void HandedOff(ScreeningPass pass, DateTime began, TimeSpan waited)
    {
        switch (pass)
        {
            case ScreeningPass.ByAccessList: _byAccessList++; break;
            case ScreeningPass.Known: _known++; break;
            case ScreeningPass.New:
                _new++;
                _newClientWaits.Add(waited.TotalSeconds);
                break;
            default: _withoutWord++; break;
        }

        CountHour(began, stopped: false);
    }

    /// <summary>A list has a client, which counts once a list.</summary>
    public void Listed(IpAddress address, string list)
    {
        if (HasRoom(_listed.Count) && _listed.Add((address, list)))
            _lists[list] = _lists.GetValueOrDefault(list) + 1;
    }

    /// <summary>The counts so far.</summary>
    public Report Build() => new()
    {
        Period = _first == default ? null : (_first, Last),
        IsIncomplete = _isIncomplete,
        Connections = Connections,
        Stopped = _stopped,
        ToldToComeBack = _toldToComeBack,
        HandedOff = new HandedOff(_byAccessList, _known, _new, _withoutWord),
        Causes = [.. _causes.Select(c => new CauseCount(c.Key, c.Value.Connections, c.Value.Only)).OrderByDescending(c => c.Connections)],
        Hours = Hours(),
        Networks = [.. _networks.OrderByDescending(n => n.Value).Take(Top).Select(n => new NameCount($"{n.Key}/{(n.Key.IsIPv4 ? 24 : 64)}", n.Value))],
        Lists = [.. _lists.OrderByDescending(l => l.Value).ThenBy(l => l.Key, StringComparer.Ordinal).Take(Top).Select(l => new NameCount(l.Key, l.Value))],
        EarlyTalk = EarlyTalk,
        HangUps = HangUps,
        NewClientWaits = _newClientWaits,
        NeverCameBack = _toldToComeBackAt.Count,
        BreakOff = Curves,
    };

    private void CountHour(DateTime began, bool stopped)
    {
        var hour = began.Date.AddHours(began.Hour);
        var (stoppedSoFar, handedOff) = _hours.GetValueOrDefault(hour);
        _hours[hour] = stopped ? (stoppedSoFar + 1, handedOff) : (stoppedSoFar, handedOff + 1);
    }

    private List<HourCount> Hours()
    {
        if (_hours.Count == 0)
            return [];
        var (first, last) = (_hours.Keys.Min(), _hours.Keys.Max());
        // A clock that was not set yet, as at 1970, makes no hours of the years between.
        var hours = (last - first).TotalHours < MaxHours ? Enumerable.Range(0, (int)(last - first).TotalHours + 1).Select(hour => first.AddHours(hour)) : _hours.Keys.Order();
        return [.. hours.Select(hour => new HourCount(hour, _hours.GetValueOrDefault(hour).Stopped, _hours.GetValueOrDefault(hour).HandedOff))];
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
}

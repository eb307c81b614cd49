using System.Runtime.InteropServices;
using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// Reads a mail log line by line, postscreen's or Postern's and smtpd's behind it, and counts what became of each
/// connection. The lines of several services and processes may be mixed; they must be in the order of time.
/// </summary>
public sealed class ReportBuilder
{
    private const int MaxOpen = 200_000; // then those are swept that must have been handed off long ago
    private const int MaxNames = 4_000_000; // addresses, networks, mails; the report says when it met more
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2); // a greet wait beyond that would drive decent clients away
    private static readonly TimeSpan LongestScreening = TimeSpan.FromMinutes(30);

    private static readonly ScreeningCause[] AllCauses = Enum.GetValues<ScreeningCause>();

    private readonly DateTime _today;
    private readonly int _top;
    private readonly Dictionary<(IpAddress, ushort), Connection> _open = [];
    private readonly Dictionary<IpAddress, DateTime> _toldToComeBackAt = [];
    private readonly HashSet<IpAddress> _screened = [];
    private readonly Dictionary<(uint Process, IpAddress), ServerSession> _sessions = [];
    private readonly HashSet<string> _mails = [];
    private readonly Dictionary<DateTime, (int Stopped, int HandedOff)> _hours = [];
    private readonly Dictionary<IpAddress, int> _networks = [];
    private readonly Dictionary<string, int> _lists = [];
    private readonly HashSet<(IpAddress, string)> _listed = [];
    private readonly Dictionary<ScreeningCause, (int Connections, int Only)> _causes = [];
    private readonly Histogram _earlyTalk = new(), _hangUps = new(), _newClientWaits = new();
    private readonly BreakOffCurves _curves = new();
    private bool _isIncomplete;
    private int _sweepAt = MaxOpen;
    private DateTime _first, _last;
    private long _read, _unreadable;
    private int _connections, _stopped, _toldToComeBack, _byAccessList, _known, _new, _withoutWord;
    private int _rejected, _delivering, _idle, _rejectLines, _delivered;

    /// <param name="today">For time stamps without a year: they are not in the future.</param>
    /// <param name="top">How many networks and lists the report names.</param>
    public ReportBuilder(DateTime today, int top = 10) => (_today, _top) = (today, top);

    private struct Connection
    {
        public DateTime Began, Passed;
        public ScreeningCause Causes;
        public Pass Pass;
        public string? Class;
        public bool IsCurveDone; // it was counted in the curve, or has no place there
    }

    private struct ServerSession
    {
        public int Connections, Rejects, Mails;
    }

    private enum Pass : byte
    {
        None,
        ByAccessList,
        Known,
        New,
    }

    /// <summary>Counts one line.</summary>
    /// <param name="line">Without its line end.</param>
    public void Add(ReadOnlySpan<byte> line)
    {
        _read++;
        if (!MailLogLine.TryParse(line, _today, out var parsed))
        {
            _unreadable++;
            return;
        }

        switch (parsed.Program)
        {
            case var program when program.SequenceEqual("postscreen"u8) || program.SequenceEqual("postern"u8): AddScreening(parsed); break;
            case var program when program.SequenceEqual("smtpd"u8): AddServer(parsed); break;
            case var program when program.SequenceEqual("dnsblog"u8): AddList(parsed); break;
            default: AddDelivery(parsed); break;
        }
    }

    /// <summary>The counts so far.</summary>
    public Report Build()
    {
        // A connection without an end has gone to the mail server, unless it is so young that it may still be tested.
        var unfinished = 0;
        foreach (var connection in _open.Values.ToArray())
        {
            if (connection.Pass is Pass.None && _last - connection.Began < LongestWait)
                unfinished++;
            else
                CountHandedOff(connection);
        }

        foreach (var session in _sessions.Values)
            CountSession(session);
        var report = new Report
        {
            Period = _first == default ? null : (_first, _last),
            Lines = (_read, _unreadable),
            IsIncomplete = _isIncomplete,
            Connections = _connections,
            Stopped = _stopped,
            ToldToComeBack = _toldToComeBack,
            HandedOff = new HandedOff(_byAccessList, _known, _new, _withoutWord),
            Unfinished = unfinished,
            Rejected = _rejected,
            Delivering = _delivering,
            Idle = _idle,
            RejectLines = _rejectLines,
            Delivered = _delivered,
            Causes = [.. _causes.Select(c => new CauseCount(c.Key, c.Value.Connections, c.Value.Only)).OrderByDescending(c => c.Connections)],
            Hours = Hours(),
            Networks = [.. _networks.OrderByDescending(n => n.Value).Take(_top).Select(n => new NameCount($"{n.Key}/{(n.Key.IsIPv4 ? 24 : 64)}", n.Value))],
            Lists = [.. _lists.OrderByDescending(l => l.Value).ThenBy(l => l.Key, StringComparer.Ordinal).Take(_top).Select(l => new NameCount(l.Key, l.Value))],
            EarlyTalk = _earlyTalk,
            HangUps = _hangUps,
            NewClientWaits = _newClientWaits,
            NeverCameBack = _toldToComeBackAt.Count,
            BreakOff = _curves,
        };
        _open.Clear();
        _sessions.Clear();
        return report;
    }

    private void AddScreening(in MailLogLine line)
    {
        var text = line.Text;
        if (text.StartsWith("CONNECT from "u8))
        {
            if (!ClientText.TryRead(text[13..], out var address, out var port))
                return;
            Note(line.Time);
            if (_open.Remove((address, port), out var before))
                CountHandedOff(before); // the same address and port again: the one before has gone on
            _connections++;
            _open[(address, port)] = new Connection { Began = line.Time };
            if (HasRoom(_screened.Count))
                _screened.Add(address);
            if (_open.Count > _sweepAt)
                Sweep();
            return;
        }

        if (text.StartsWith("LANE CLASS "u8) && ClientText.TryRead(text[11..], out var classed, out var from) && _open.TryGetValue((classed, from), out var waiting))
        {
            _open[(classed, from)] = waiting with { Class = LaneClass(text) };
            return;
        }

        if (!ScreeningLine.TryRead(text, out var said) || !_open.TryGetValue((said.Address, said.Port), out var connection))
            return;
        Note(line.Time);
        switch (said.Event)
        {
            case ScreeningEvent.Allowlisted: connection.Pass = Pass.ByAccessList; break;
            case ScreeningEvent.PassOld: connection.Pass = Pass.Known; break;
            case ScreeningEvent.PassNew: (connection.Pass, connection.Passed) = (Pass.New, line.Time); break;
            case ScreeningEvent.Disconnect:
                _open.Remove((said.Address, said.Port));
                CountStopped(connection, said.Address);
                return;
            case ScreeningEvent.Failed:
                connection.Causes |= said.Cause;
                if (said.Cause is ScreeningCause.Pregreet)
                    _earlyTalk.Add(said.Seconds);
                else if (said.Cause is ScreeningCause.HangupBefore)
                    _hangUps.Add(said.Seconds);
                break;
        }

        FollowCurve(ref connection, said, text, line.Time);
        _open[(said.Address, said.Port)] = connection;
        if (said.Event is ScreeningEvent.Allowlisted or ScreeningEvent.PassOld && _toldToComeBackAt.Remove(said.Address, out var began))
            _newClientWaits.Add((line.Time - began).TotalSeconds);
    }

    /// <summary>What became of the client in the greet wait: it left, or it was still there when it talked, passed or failed.</summary>
    private void FollowCurve(ref Connection connection, in ScreeningLine said, ReadOnlySpan<byte> text, DateTime time)
    {
        if (connection.IsCurveDone)
            return;
        var isWait = said is { Event: ScreeningEvent.Failed, Cause: ScreeningCause.Pregreet or ScreeningCause.HangupBefore };
        var isPass = said.Event is ScreeningEvent.PassNew or ScreeningEvent.PassOld || said is { Event: ScreeningEvent.Failed, Cause: ScreeningCause.Dnsbl };
        connection.IsCurveDone = isWait || isPass || said.Event is ScreeningEvent.Allowlisted || said.Cause is ScreeningCause.NoRoom or ScreeningCause.ConnectionLimit;
        if (isWait)
            _curves.Add(connection.Class, said.Seconds, hasLeft: said.Cause is ScreeningCause.HangupBefore || text.EndsWith(": QUIT\\r\\n"u8));
        else if (isPass && (time - connection.Began).TotalSeconds is > 0 and var seconds) // else no test was due
            _curves.Add(connection.Class, seconds, hasLeft: false);
    }

    // LANE CLASS [192.0.2.7]:40000 generic rule=6 name=adsl12.isp.example
    private static string? LaneClass(ReadOnlySpan<byte> text)
    {
        var rest = text[(text.IndexOf("]:"u8) + 2)..];
        rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        foreach (var kind in (ReadOnlySpan<string>)["named", "generic", "unconfirmed", "none", "undecided"])
        {
            if (rest.Length > kind.Length && rest[kind.Length] == (byte)' ' && Ascii.Equals(rest[..kind.Length], kind))
                return kind;
        }

        return null;
    }

    private void AddServer(in MailLogLine line)
    {
        var text = line.Text;
        if (text.StartsWith("connect from "u8) && ClientText.TryReadNamed(text, out var address))
        {
            // A server that screening does not stand before has clients of its own.
            if (!_screened.Contains(address))
                return;
            SessionOf(line, address).Connections++;
        }
        else if (text.StartsWith("disconnect from "u8) && ClientText.TryReadNamed(text, out address) && _sessions.TryGetValue((line.ProcessId, address), out var session))
        {
            if (--session.Connections > 0)
            {
                _sessions[(line.ProcessId, address)] = session;
                return;
            }

            _sessions.Remove((line.ProcessId, address));
            CountSession(session);
        }
        else if (text.IndexOf(": client="u8) is > 0 and <= 20 and var end && ClientText.TryReadNamed(text, out address) && _sessions.ContainsKey((line.ProcessId, address)))
        {
            SessionOf(line, address).Mails++;
            if (HasRoom(_mails.Count))
                _mails.Add(Encoding.Latin1.GetString(text[..end]));
        }
        else if (text.IndexOf(": reject: "u8) is > 0 and <= 20 && ClientText.TryReadNamed(text, out address) && _sessions.ContainsKey((line.ProcessId, address)))
        {
            SessionOf(line, address).Rejects++;
            _rejectLines++;
        }
    }

    private void AddDelivery(in MailLogLine line)
    {
        if (_mails.Count == 0 || line.Text.IndexOf(": "u8) is not (> 0 and <= 20 and var end))
            return;
        var text = line.Text[(end + 2)..];
        var isSent = text.StartsWith("to=<"u8) && text.IndexOf(", status=sent "u8) > 0;
        if (!isSent && !text.SequenceEqual("removed"u8))
            return;
        if (_mails.Remove(Encoding.Latin1.GetString(line.Text[..end])) && isSent)
            _delivered++;
    }

    // addr 192.0.2.1 listed by domain zen.example as 127.0.0.2: a client counts once a list, however many answers.
    private void AddList(in MailLogLine line)
    {
        var text = line.Text;
        if (!text.StartsWith("addr "u8) || text.IndexOf(" listed by domain "u8) is not (> 0 and var middle) || text.LastIndexOf(" as "u8) is not (> 0 and var end) || end < middle + 18
            || !IpAddress.TryParse(Encoding.Latin1.GetString(text[5..middle]), out var address))
        {
            return;
        }

        var list = Encoding.Latin1.GetString(text[(middle + 18)..end]);
        if (!HasRoom(_listed.Count) || !_listed.Add((address, list)))
            return;
        _lists[list] = _lists.GetValueOrDefault(list) + 1;
    }

    private ref ServerSession SessionOf(in MailLogLine line, IpAddress address) =>
        ref CollectionsMarshal.GetValueRefOrAddDefault(_sessions, (line.ProcessId, address), out _);

    private void CountStopped(in Connection connection, IpAddress address)
    {
        if (connection.Pass is not Pass.None && connection.Causes is ScreeningCause.None)
        {
            _toldToComeBack++;
            if (connection.Pass is Pass.New && HasRoom(_toldToComeBackAt.Count))
                _toldToComeBackAt.TryAdd(address, connection.Began);
            CountHour(connection.Began, stopped: true);
            return;
        }

        _stopped++;
        CountHour(connection.Began, stopped: true);
        var network = address.Network(address.IsIPv4 ? 24 : 64);
        if (HasRoom(_networks.Count) || _networks.ContainsKey(network))
            _networks[network] = _networks.GetValueOrDefault(network) + 1;
        foreach (var cause in AllCauses)
        {
            if (cause is ScreeningCause.None || !connection.Causes.HasFlag(cause))
                continue;
            var (connections, only) = _causes.GetValueOrDefault(cause);
            _causes[cause] = (connections + 1, only + (connection.Causes == cause ? 1 : 0));
        }
    }

    private void CountHandedOff(in Connection connection)
    {
        switch (connection.Pass)
        {
            case Pass.ByAccessList: _byAccessList++; break;
            case Pass.Known: _known++; break;
            case Pass.New:
                _new++;
                _newClientWaits.Add((connection.Passed - connection.Began).TotalSeconds);
                break;
            default: _withoutWord++; break;
        }

        CountHour(connection.Began, stopped: false);
    }

    private void CountSession(in ServerSession session)
    {
        if (session.Mails > 0)
            _delivering++;
        else if (session.Rejects > 0)
            _rejected++;
        else
            _idle++;
    }

    private void CountHour(DateTime began, bool stopped)
    {
        var hour = began.Date.AddHours(began.Hour);
        var (stoppedSoFar, handedOff) = _hours.GetValueOrDefault(hour);
        _hours[hour] = stopped ? (stoppedSoFar + 1, handedOff) : (stoppedSoFar, handedOff + 1);
    }

    private List<HourCount> Hours()
    {
        var hours = new List<HourCount>();
        if (_hours.Count == 0)
            return hours;
        var last = _hours.Keys.Max();
        for (var hour = _hours.Keys.Min(); hour <= last && hours.Count < 24 * 400; hour = hour.AddHours(1))
            hours.Add(new HourCount(hour, _hours.GetValueOrDefault(hour).Stopped, _hours.GetValueOrDefault(hour).HandedOff));
        return hours;
    }

    private void Sweep()
    {
        foreach (var (key, connection) in _open)
        {
            if (_last - connection.Began < (connection.Pass is Pass.None ? LongestScreening : LongestWait))
                continue;
            _open.Remove(key);
            CountHandedOff(connection);
        }

        _sweepAt = Math.Max(MaxOpen, 2 * _open.Count); // not again before it is worth the effort
    }

    private bool HasRoom(int count)
    {
        _isIncomplete |= count >= MaxNames;
        return count < MaxNames;
    }

    private void Note(DateTime time)
    {
        if (_first == default)
            _first = time;
        _last = time;
    }
}

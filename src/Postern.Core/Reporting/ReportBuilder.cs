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
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2); // a greet wait beyond that would drive decent clients away
    private static readonly TimeSpan LongestScreening = TimeSpan.FromMinutes(30);

    private readonly DateTime _today, _since;
    private readonly ScreeningTally _tally = new();
    private readonly Dictionary<(IpAddress, ushort), Connection> _open = [];
    private readonly HashSet<IpAddress> _screened = [];
    private readonly Dictionary<(uint Process, IpAddress), ServerSession> _sessions = [];
    private readonly HashSet<string> _mails = [];
    private int _sweepAt = MaxOpen;
    private long _read, _unreadable;
    private int _rejected, _delivering, _idle, _rejectLines, _delivered;

    /// <param name="today">For time stamps without a year: they are not in the future.</param>
    /// <param name="since">What is older does not count.</param>
    public ReportBuilder(DateTime today, DateTime since = default) => (_today, _since) = (today, since);

    private struct Connection
    {
        public DateTime Began, Passed;
        public ScreeningCause Causes;
        public ScreeningPass Pass;
        public string? Class;
        public bool IsCurveDone; // it was counted in the curve, or has no place there
    }

    private struct ServerSession
    {
        public int Connections, Rejects, Mails;
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

        if (parsed.Time < _since)
            return;
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
            if (connection.Pass is ScreeningPass.None && _tally.Last - connection.Began < LongestWait)
                unfinished++;
            else
                CountHandedOff(connection);
        }

        foreach (var session in _sessions.Values)
            CountSession(session);
        _open.Clear();
        _sessions.Clear();
        return _tally.Build() with
        {
            Lines = (_read, _unreadable),
            Unfinished = unfinished,
            Rejected = _rejected,
            Delivering = _delivering,
            Idle = _idle,
            RejectLines = _rejectLines,
            Delivered = _delivered,
        };
    }

    private void AddScreening(in MailLogLine line)
    {
        var text = line.Text;
        if (text.StartsWith("CONNECT from "u8))
        {
            if (!ClientText.TryRead(text[13..], out var address, out var port))
                return;
            _tally.Note(line.Time);
            if (_open.Remove((address, port), out var before))
                CountHandedOff(before); // the same address and port again: the one before has gone on
            _tally.Connections++;
            _open[(address, port)] = new Connection { Began = line.Time };
            if (_tally.HasRoom(_screened.Count))
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
        _tally.Note(line.Time);
        switch (said.Event)
        {
            case ScreeningEvent.Allowlisted: connection.Pass = ScreeningPass.ByAccessList; break;
            case ScreeningEvent.PassOld: connection.Pass = ScreeningPass.Known; break;
            case ScreeningEvent.PassNew: (connection.Pass, connection.Passed) = (ScreeningPass.New, line.Time); break;
            case ScreeningEvent.Disconnect:
                _open.Remove((said.Address, said.Port));
                CountStopped(connection, said.Address);
                return;
            case ScreeningEvent.Failed:
                connection.Causes |= said.Cause;
                if (said.Cause is ScreeningCause.Pregreet)
                    _tally.EarlyTalk.Add(said.Seconds);
                else if (said.Cause is ScreeningCause.HangupBefore)
                    _tally.HangUps.Add(said.Seconds);
                break;
        }

        FollowCurve(ref connection, said, text, line.Time);
        _open[(said.Address, said.Port)] = connection;
        if (said.Event is ScreeningEvent.Allowlisted or ScreeningEvent.PassOld)
            _tally.CameBack(said.Address, line.Time);
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
            _tally.Curves.Add(connection.Class, said.Seconds, hasLeft: said.Cause is ScreeningCause.HangupBefore || text.EndsWith(": QUIT\\r\\n"u8));
        else if (isPass && (time - connection.Began).TotalSeconds is > 0 and var seconds) // else no test was due
            _tally.Curves.Add(connection.Class, seconds, hasLeft: false);
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
            if (_tally.HasRoom(_mails.Count))
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

        _tally.Listed(address, Encoding.Latin1.GetString(text[(middle + 18)..end]));
    }

    private ref ServerSession SessionOf(in MailLogLine line, IpAddress address) =>
        ref CollectionsMarshal.GetValueRefOrAddDefault(_sessions, (line.ProcessId, address), out _);

    private void CountStopped(in Connection connection, IpAddress address)
    {
        if (connection.Pass is ScreeningPass.None || connection.Causes is not ScreeningCause.None)
            _tally.Stopped(address, connection.Began, connection.Causes);
        else
            _tally.ToldToComeBack(address, connection.Began, isNew: connection.Pass is ScreeningPass.New);
    }

    private void CountHandedOff(in Connection connection) =>
        _tally.HandedOff(connection.Pass, connection.Began, connection.Pass is ScreeningPass.New ? connection.Passed - connection.Began : TimeSpan.Zero);

    private void CountSession(in ServerSession session)
    {
        if (session.Mails > 0)
            _delivering++;
        else if (session.Rejects > 0)
            _rejected++;
        else
            _idle++;
    }

    private void Sweep()
    {
        foreach (var (key, connection) in _open)
        {
            if (_tally.Last - connection.Began < (connection.Pass is ScreeningPass.None ? LongestScreening : LongestWait))
                continue;
            _open.Remove(key);
            CountHandedOff(connection);
        }

        _sweepAt = Math.Max(MaxOpen, 2 * _open.Count); // not again before it is worth the effort
    }
}

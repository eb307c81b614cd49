using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// Puts together what one machine's log says of each connection, from CONNECT to its end, and counts it when it is over. Its
/// lines may stand in disorder, and twice.
/// </summary>
/// <param name="tally">Counts.</param>
/// <param name="handOvers">Which session of smtpd took which connection.</param>
/// <param name="sessions">Told about sessions that took another one.</param>
internal sealed class ScreenedConnections(ScreeningTally tally, HandOvers handOvers, ServerSessions sessions)
{
    private const int MaxOpen = 100_000; // then those are swept that must have been handed over long ago
    private const long LongestWait = 120; // seconds; a greet wait beyond that would drive decent clients away
    private const long LongestScreening = 1800;

    private readonly Dictionary<ConnectionKey, Connection> _open = [];
    private readonly Queue<(Connection Connection, int Serial, long Due)> _ending = new();
    private readonly Stack<Connection> _spare = new();
    private readonly HandOverTrouble _trouble = new();
    private readonly ConnectionCounts _counts = new(tally, sessions);
    private readonly HashSet<uint> _processes = [];
    private int _sweepAt = MaxOpen, _era;
    private uint _process;
    private long _last; // time of the last line

    private enum End
    {
        /// <summary>Nothing more is to be expected of it.</summary>
        Over,

        /// <summary>Its address and port are used anew.</summary>
        Replaced,

        /// <summary>The log ends.</summary>
        LogOver,
    }

    /// <summary>How often each line stands in the log, judging by the last connections.</summary>
    public int Copies { get; private set; } = 1;

    /// <summary>A line came before its CONNECT: the lines are not in the order in which they were written.</summary>
    public bool IsDisordered { get; private set; }

    /// <summary>Takes in a line of postscreen, or one of Postern's own.</summary>
    public void Add(in MailLogLine line, long time)
    {
        if (time < _last - HostLog.Disorder)
            _era++; // one process does not write later what was earlier: its clock was set back
        _last = time;
        var text = line.Text;
        if (text.StartsWith("CONNECT from "u8))
        {
            if (ClientText.TryRead(text[13..], out var address, out var port))
                Connect(new ConnectionKey(address, line.ProcessId, port), line.Time, time);
        }
        else if (ScreeningLine.TryRead(text, out var said))
        {
            var connection = Find(new ConnectionKey(said.Address, line.ProcessId, said.Port), time);
            connection.Lines++;
            if (connection.HasBeginning)
                tally.Note(line.Time);
            Take(connection, said, line, time);
        }
        else if (text.StartsWith("LANE CLASS "u8))
        {
            if (ClientText.TryRead(text[11..], out var address, out var port))
                Find(new ConnectionKey(address, line.ProcessId, port), time).Class = LaneClass(text);
        }
        else if (text.StartsWith("fatal: "u8) || text.StartsWith("panic: "u8))
        {
            EndProcess(line.ProcessId, Encoding.Latin1.GetString(text[7..]), line.Time);
        }
        else if (RelayLine.TryRead(text, out var relay))
        {
            AddRelay(relay, line, time);
        }
        else
        {
            if (_trouble.Add(line, time, !IsDisordered) is { } named)
                handOvers.Remove(named);
        }
    }

    /// <summary>A process of postscreen is gone, and with it those that it was testing.</summary>
    public void EndProcess(uint processId, string problem, DateTime at)
    {
        if (!_processes.Remove(processId))
            return;
        _process = 0;
        foreach (var connection in _open.Values)
        {
            if (connection.Key.ProcessId != processId || connection is not { IsOpen: true, Pass: ScreeningPass.None, Session: null })
                continue;
            (connection.Problem, connection.ProblemAt) = (problem, at);
            handOvers.Remove(connection);
        }
    }

    /// <summary>Counts those of whom no more lines are to be expected.</summary>
    public void Expire(long now)
    {
        _trouble.Expire(now);
        while (_ending.TryPeek(out var next) && next.Due < now)
        {
            _ending.Dequeue();
            if (next.Connection.Serial == next.Serial && IsEnding(next.Connection))
                Finish(next.Connection, End.Over);
        }
    }

    /// <summary>The log is over: counts all others.</summary>
    /// <returns>Connections that had not ended when the log did.</returns>
    public int Complete(long now)
    {
        Expire(long.MaxValue);
        _last = now;
        var (unfinished, left) = (0, _open.Values.ToArray());
        _counts.WithoutSession += left.Count(IsUntaken);
        foreach (var connection in left)
            unfinished += Finish(connection, End.LogOver) ? 0 : 1;
        return unfinished;
    }

    /// <summary>A session has taken a connection.</summary>
    public void OnTaken(Connection connection, long time)
    {
        _trouble.OnTaken(connection);
        if (connection.Pass is not ScreeningPass.None)
            EndSoon(connection, time + LongestWait); // until then it may turn out that the session is another's
    }

    private void Connect(in ConnectionKey key, DateTime began, long time)
    {
        tally.Note(began);
        if (_open.TryGetValue(key, out var connection) && connection.HasBeginning)
        {
            if (Math.Abs(time - connection.Opened) <= HostLog.Disorder)
            {
                Copies = Math.Max(Copies, ++connection.Copies);
                tally.Doubled++;
                return;
            }

            Finish(connection, End.Replaced); // so it has gone on
            connection = null;
        }

        IsDisordered |= connection is not null;
        connection ??= Open(key);
        (connection.HasBeginning, connection.Began, connection.Opened, connection.Copies, connection.Era) = (true, began, time, 1, _era);
        if (key.ProcessId != _process)
            _processes.Add(_process = key.ProcessId);
        tally.Connections++;
        if (connection.MayBeHandedOver)
            handOvers.Add(connection);
        if (connection.Pass is not ScreeningPass.None)
            handOvers.Pass(connection);
        if (_open.Count > _sweepAt)
            Sweep(time);
    }

    private Connection Open(in ConnectionKey key)
    {
        var connection = _spare.TryPop(out var spare) ? spare : new Connection();
        connection.Key = key;
        _open[key] = connection;
        return connection;
    }

    private Connection Find(in ConnectionKey key, long time)
    {
        if (_open.TryGetValue(key, out var connection))
            return connection;
        connection = Open(key);
        (connection.Opened, connection.Era) = (time, _era);
        EndSoon(connection, time); // unless its beginning comes
        return connection;
    }

    private void Take(Connection connection, in ScreeningLine said, in MailLogLine line, long time)
    {
        if (connection is { Session: not null, Pass: ScreeningPass.None } && time > connection.Claimed + HostLog.Disorder)
            sessions.LookAgain(HandOvers.Release(connection), time); // it is here still, so that was somebody else's
        switch (said.Event)
        {
            case ScreeningEvent.Allowlisted: Pass(connection, ScreeningPass.ByAccessList, time); break;
            case ScreeningEvent.Provider: Pass(connection, ScreeningPass.ByProvider, time); break;
            case ScreeningEvent.PassOld: Pass(connection, ScreeningPass.Known, time); break;
            case ScreeningEvent.PassNew: Pass(connection, ScreeningPass.New, time); break;
            case ScreeningEvent.ToldToComeBack: connection.WasToldToComeBack = true; break;
            case ScreeningEvent.Refused: connection.WasRefused = true; break;
            case ScreeningEvent.ServerBusy: (connection.Problem, connection.ProblemAt, connection.HadNoWait) = ("all server ports busy", line.Time, true); break;
            case ScreeningEvent.Disconnect: Close(connection, time); break;
            case ScreeningEvent.Failed: Fail(connection, said, line.Text, time); break;
        }

        if (!connection.MayBeHandedOver)
            handOvers.Remove(connection);
    }

    private void Fail(Connection connection, in ScreeningLine said, ReadOnlySpan<byte> text, long time)
    {
        connection.Causes |= said.Cause;
        switch (said.Cause)
        {
            case ScreeningCause.Pregreet:
                connection.TalkedAfter = said.Seconds;
                connection.SaidQuit = text.EndsWith(": QUIT\\r\\n"u8);
                break;
            case ScreeningCause.HangupBefore: connection.HungUpAfter = said.Seconds; break;
            case ScreeningCause.NoRoom or ScreeningCause.ConnectionLimit: connection.HadNoWait = true; break;
            case ScreeningCause.Dnsbl: Stay(connection, time); break;
        }
    }

    private void Pass(Connection connection, ScreeningPass pass, long time)
    {
        if (connection.Pass is ScreeningPass.None)
        {
            (connection.Pass, connection.Passed, connection.IsWaitUnknown) = (pass, time, connection.Era != _era);
        }
        else if (pass != connection.Pass)
        {
            // "PASS NEW", and when that was of no use, "PASS OLD".
            connection.Pass = ScreeningPass.New;
            connection.WasPassedInVain = true;
        }

        if (pass is ScreeningPass.ByAccessList or ScreeningPass.ByProvider)
            connection.HadNoWait = true;
        else
            Stay(connection, time);
        _trouble.OnPass(connection, time);
        if (connection.HasBeginning)
            handOvers.Pass(connection);
    }

    // The tests before the greeting are over: the first line that says so.
    private void Stay(Connection connection, long time)
    {
        if (connection.StayedUntil == 0 && connection.Era == _era)
            connection.StayedUntil = time;
    }

    private void Close(Connection connection, long time)
    {
        if (connection.IsClosed)
            return;
        if (connection.Session is not null)
            sessions.LookAgain(HandOvers.Release(connection), time);
        (connection.IsClosed, connection.Closed) = (true, time);
        handOvers.Remove(connection);
        EndSoon(connection, time + 2 * HostLog.Disorder); // a warning about it may be late, too
    }

    private void AddRelay(in RelayLine relay, in MailLogLine line, long time)
    {
        if (!_open.TryGetValue(new ConnectionKey(relay.Address, line.ProcessId, relay.Port), out var connection))
            return; // it has been counted
        if (relay.Problem is { } problem)
        {
            (connection.Problem, connection.ProblemAt) = (problem, line.Time);
            _trouble.OnRefused(connection, time);
            return;
        }

        connection.IsRelayed = true;
        EndSoon(connection, time);
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

    private void EndSoon(Connection connection, long time) => _ending.Enqueue((connection, connection.Serial, time + HostLog.Disorder));

    private static bool IsEnding(Connection connection) =>
        !connection.HasBeginning || connection.IsClosed || connection.IsRelayed || connection is { Session: not null, Pass: not ScreeningPass.None };

    // It must have gone on, and smtpd's log does not have it.
    private bool IsUntaken(Connection connection) =>
        connection is { IsOpen: true, IsTaken: false, Problem: null } && (connection.Pass is not ScreeningPass.None || AgeOf(connection) >= LongestWait);

    private long AgeOf(Connection connection) => _last - Math.Max(connection.Opened, connection.Passed);

    /// <returns>False when the log ended before the connection did: it is not counted.</returns>
    private bool Finish(Connection connection, End end)
    {
        if (!connection.HasBeginning)
        {
            tally.LinesWithoutBeginning += connection.Lines;
            Forget(connection);
            return true;
        }

        Copies = connection.Copies;
        var isCounted = end is not End.LogOver || connection.IsClosed || connection.IsTaken || connection.Problem is not null || IsUntaken(connection);
        if (isCounted)
            _counts.Count(connection, AgeOf(connection) >= LongestWait && end is not End.Replaced);
        _counts.CountWaits(connection);
        Forget(connection);
        return isCounted;
    }

    private void Forget(Connection connection)
    {
        if (connection.Session is { IsBehindScreening: false })
            sessions.LookAgain(HandOvers.Release(connection), _last);
        handOvers.Remove(connection);
        _trouble.Forget(connection);
        _open.Remove(connection.Key);
        connection.Clear();
        _spare.Push(connection);
    }

    private void Sweep(long now)
    {
        _last = now;
        var old = _open.Values.Where(one => AgeOf(one) >= (one.Pass is ScreeningPass.None ? LongestScreening : LongestWait)).ToArray();
        _counts.WithoutSession += old.Count(IsUntaken);
        foreach (var connection in old)
            Finish(connection, End.Over);
        _sweepAt = Math.Max(MaxOpen, 2 * _open.Count); // not again before it is worth the effort
    }
}

using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// One machine's mail log: what postscreen or Postern says of connections, and smtpd of those that it was given. Process ids and
/// clocks are the machine's own, so each has a log of its own here.
/// </summary>
internal sealed class HostLog
{
    /// <summary>By how many seconds lines may be out of order: several processes write them, and syslogd collects them.</summary>
    public const long Disorder = 2;

    private readonly ScreeningTally _screening;
    private readonly HostClock _clock = new();
    private readonly DoubledLines _doubled = new();
    private readonly ScreenedConnections _connections;
    private readonly ServerSessions _sessions;
    private long _expired;

    /// <param name="screening">Counts connections.</param>
    /// <param name="server">Counts what the mail server did with them.</param>
    public HostLog(ScreeningTally screening, ServerTally server)
    {
        _screening = screening;
        var handOvers = new HandOvers();
        _sessions = new ServerSessions(server, handOvers);
        _connections = new ScreenedConnections(screening, handOvers, _sessions);
        _sessions.OnTaken = _connections.OnTaken;
    }

    /// <summary>Takes in a line.</summary>
    public void Add(in MailLogLine line)
    {
        var time = _clock.Read(line.Time, line.Offset);
        if (_clock.Now != _expired)
            Expire(_clock.Now);
        var program = line.Program;
        if (program.SequenceEqual("postscreen"u8) || program.SequenceEqual("postern"u8))
        {
            if (!line.Text.StartsWith("warning: "u8) || !_doubled.IsCopy(line, time, _connections.Copies))
                _connections.Add(line, time);
        }
        else if (program.SequenceEqual("smtpd"u8))
        {
            if (!_doubled.IsCopy(line, time, _connections.Copies))
                _sessions.Add(line, time, _connections.IsDisordered);
        }
        else if (program.SequenceEqual("dnsblog"u8))
        {
            AddList(line.Text);
        }
        else if (program.SequenceEqual("master"u8))
        {
            AddMaster(line);
        }
        else
        {
            _sessions.AddDelivery(line, time);
        }
    }

    /// <summary>The log is over.</summary>
    /// <returns>Connections that had not ended when it did.</returns>
    public int Complete()
    {
        _sessions.Expire(long.MaxValue);
        var unfinished = _connections.Complete(_clock.Now);
        _sessions.Complete();
        return unfinished;
    }

    private void Expire(long now)
    {
        _expired = now;
        _sessions.Expire(now);
        _connections.Expire(now);
        _doubled.Expire(now);
    }

    // addr 192.0.2.1 listed by domain zen.example as 127.0.0.2: a client counts once a list, however many answers.
    private void AddList(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("addr "u8) || text.IndexOf(" listed by domain "u8) is not (> 5 and var middle) || text.LastIndexOf(" as "u8) is not (> 0 and var end) || end < middle + 18
            || !ClientText.TryReadAddress(text[5..middle], out var address))
        {
            return;
        }

        _screening.Listed(address, text[(middle + 18)..end]);
    }

    // warning: process /usr/lib/postfix/sbin/postscreen pid 11713 killed by signal 9
    private void AddMaster(in MailLogLine line)
    {
        var text = line.Text;
        if (!text.StartsWith("warning: process "u8) || text.IndexOf("/postscreen pid "u8) is not (> 0 and var start))
            return;
        var rest = text[(start + 16)..];
        if (System.Buffers.Text.Utf8Parser.TryParse(rest, out uint processId, out var length) && length + 1 < rest.Length)
            _connections.EndProcess(processId, $"postscreen: {Encoding.Latin1.GetString(rest[(length + 1)..])}", line.Time);
    }
}

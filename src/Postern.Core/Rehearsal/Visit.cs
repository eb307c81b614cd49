using System.Text;

namespace Postern.Core.Rehearsal;

/// <summary>What a client has reached with a connection.</summary>
public enum VisitResult : byte
{
    /// <summary>Nothing: it hung up, or was hung up on, or told to come back. It may try again.</summary>
    None,

    /// <summary>Its mail was accepted.</summary>
    Accepted,

    /// <summary>Its mail was refused for good (5xx).</summary>
    Refused,
}

/// <summary>
/// One connection as its client sees it: bytes and moments go in, bytes come out. Opens nothing, reads no clock. Moments
/// count from the connection.
/// </summary>
/// <param name="manners">How it behaves.</param>
public sealed class Visit(Manners manners)
{
    private const int FloodLength = 40;
    private const int LongestLine = 4096;
    private static readonly TimeSpan ReplyPatience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestStay = TimeSpan.FromHours(1);

    private readonly Queue<string> _awaited = new(); // commands whose reply has yet to come
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _line = new();
    private readonly Queue<string> _script = Script(manners);
    private TimeSpan _now;

    /// <summary>When <see cref="OnTime"/> is to be called; null: never.</summary>
    public TimeSpan? WakeAt { get; private set; } = manners.TalksAfter is { } talk && talk < manners.Patience ? talk : manners.Patience;

    /// <summary>It has heard the whole greeting.</summary>
    public bool IsGreeted { get; private set; }

    /// <summary>How long the greeting took; meaningful when <see cref="IsGreeted"/>.</summary>
    public TimeSpan GreetedAfter { get; private set; }

    /// <summary>It says nothing more, and waits for the other side to close.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>It left before it was greeted; then <see cref="LeftAfter"/> has meaning.</summary>
    public bool HungUp { get; private set; }

    /// <summary>How long it waited in vain.</summary>
    public TimeSpan LeftAfter { get; private set; }

    /// <summary>What it has reached.</summary>
    public VisitResult Result { get; private set; }

    /// <summary>It waits for something that the server does without delay.</summary>
    public bool AwaitsReply => IsLeaving || _awaited.Count > 0;

    /// <summary>What it has to say now.</summary>
    public string TakeOutput()
    {
        var output = _output.ToString();
        _output.Clear();
        return output;
    }

    /// <summary>Its time has come.</summary>
    public void OnTime(TimeSpan now)
    {
        _now = now;
        WakeAt = null;
        if (IsLeaving)
            return;
        if (!IsGreeted && manners.TalksAfter is { } talk && now >= talk && _awaited.Count == 0)
        {
            Say(_script.Dequeue());
            WakeAt = now + ReplyPatience;
        }
        else if (!IsGreeted)
        {
            (HungUp, LeftAfter) = (true, now);
            IsLeaving = true;
        }
        else if (_awaited.Count > 0)
        {
            IsLeaving = true; // the reply does not come
        }
        else
        {
            GoOn();
        }
    }

    /// <summary>The server has said something.</summary>
    public void OnReceived(ReadOnlySpan<byte> bytes, TimeSpan now)
    {
        _now = now;
        foreach (var one in bytes)
        {
            if (one != '\n')
            {
                if (one != '\r' && _line.Length < LongestLine)
                    _line.Append((char)one);
                continue;
            }

            var line = _line.ToString();
            _line.Clear();
            if (line.Length >= 3 && (line.Length == 3 || line[3] == ' '))
                OnReply(line);
        }
    }

    private void OnReply(string line)
    {
        if (IsLeaving)
            return;
        if (!IsGreeted)
        {
            if (line[0] != '2')
            {
                Judge(line);
                IsLeaving = true;
                return;
            }

            (IsGreeted, GreetedAfter) = (true, _now);
            if (_awaited.Count == 0)
                Pause();
            if (line.StartsWith("220", StringComparison.Ordinal))
                return; // else who talked into the greeting gets no rest of it, and this is the answer to what it said
        }

        if (!_awaited.TryDequeue(out var command))
        {
            Leave(); // a 421 out of turn
            return;
        }

        if (command == "QUIT")
        {
            IsLeaving = true;
            WakeAt = null;
        }
        else if (line[0] is '4' or '5' && (command != "NOOP" || line[0] == '4'))
        {
            Judge(line);
            Leave();
        }
        else
        {
            if (command == "." && line[0] == '2')
                Result = VisitResult.Accepted;
            if (_awaited.Count == 0)
                Pause();
        }
    }

    private void Judge(string line)
    {
        if (line[0] == '5' && Result is VisitResult.None)
            Result = VisitResult.Refused;
    }

    private void Leave()
    {
        _script.Clear();
        _script.Enqueue("QUIT");
        _awaited.Clear();
        Pause();
    }

    private void Pause() => WakeAt = _now < LongestStay ? _now + manners.Think : _now;

    private void GoOn()
    {
        do
        {
            if (!_script.TryDequeue(out var command))
            {
                IsLeaving = true;
                return;
            }

            Say(command);
        }
        while (manners.Dialect is Dialect.Pipelining && _script.TryPeek(out var next) && next is not ("." or "QUIT"));
        WakeAt = _now + ReplyPatience;
    }

    private void Say(string command)
    {
        _awaited.Enqueue(command);
        _output.Append(command switch
        {
            "EHLO" => $"EHLO {manners.Helo}",
            "MAIL" => $"MAIL FROM:<{manners.From}>",
            "RCPT" => $"RCPT TO:<{manners.To}>",
            "HTTP" => "GET / HTTP/1.1",
            "." => $"From: <{manners.From}>\r\nTo: <{manners.To}>\r\nSubject: rehearsal\r\n\r\nThis mail is part of a rehearsal.\r\n.",
            _ => command,
        }).Append(manners.Dialect is Dialect.BareNewline && command != "." ? "\n" : "\r\n"); // a mail has its end, whoever sends it
    }

    private static Queue<string> Script(Manners manners) => new(
    [
        .. manners.Dialect is Dialect.Http ? (string[])["HTTP"] : ["EHLO"],
        .. Enumerable.Repeat("NOOP", manners.Dialect is Dialect.Flood ? FloodLength : 0),
        .. manners.Dialect is Dialect.Http ? (string[])[] : ["MAIL", "RCPT", "DATA", "."],
        "QUIT",
    ]);
}

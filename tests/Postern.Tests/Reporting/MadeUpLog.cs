using System.Globalization;
using Postern.Core;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Tests.Reporting;

/// <summary>
/// A mail log of made-up clients, of which it is known what became of each: every kind of end that screening has, and what
/// smtpd, cleanup, the queue manager and submission log beside it. Any order of its lines can be made of it.
/// </summary>
internal sealed class MadeUpLog
{
    private readonly Random _random;
    private readonly int _addresses;
    private readonly bool _isMixable;
    private readonly List<(uint Id, double FreeAt)> _servers = [];
    private uint _lastServer = 20_000;
    private ushort _port = 1024;
    private int _mail;

    /// <param name="seed">Another one gives other clients.</param>
    /// <param name="clients">How many connections.</param>
    /// <param name="seconds">In how much time they come.</param>
    /// <param name="addresses">From how many addresses.</param>
    /// <param name="hosts">To how many machines.</param>
    /// <param name="isMixable">
    /// Its lines may be mixed, even where few addresses come all the time: the mail server takes all clients, and no process of smtpd has
    /// two of them within five seconds. Nobody could tell afterwards which warning or rejection was about which.
    /// </param>
    public MadeUpLog(int seed, int clients, double seconds, int addresses, int hosts = 1, bool isMixable = false)
    {
        (_random, _addresses, _isMixable) = (new Random(seed), addresses, isMixable);
        for (var host = 0; host < hosts; host++)
        {
            _servers.Clear();
            _lastServer = 20_000;
            var begins = Enumerable.Range(0, clients / hosts).Select(_ => _random.NextDouble() * seconds).Order().ToArray();
            foreach (var began in begins)
                Client($"mx{host}", 100 + (uint)_random.Next(2), began);
            for (var i = 0; i < clients / 20; i++)
                Submission($"mx{host}", _random.NextDouble() * seconds);
            Say($"mx{host}", seconds + 1000, "anvil", 9, "statistics: max cache size 3 at Nov 24 10:00:00");
        }

        Lines.Sort(static (one, other) => one.Time != other.Time ? one.Time.CompareTo(other.Time) : one.Number.CompareTo(other.Number));
    }

    /// <summary>One line.</summary>
    /// <param name="Time">Seconds since the beginning.</param>
    /// <param name="Number">The order in which lines were written.</param>
    /// <param name="Host">Its machine.</param>
    /// <param name="Program">Its program, as its tag has it: <c>postfix/smtpd</c>.</param>
    /// <param name="ProcessId">Its process.</param>
    /// <param name="Text">What it says.</param>
    public readonly record struct Line(double Time, int Number, string Host, string Program, uint ProcessId, string Text);

    /// <summary>All lines, in the order of time.</summary>
    public List<Line> Lines { get; } = [];

    /// <summary>What is in the event log of the same clients.</summary>
    public List<RecordedClient> Events { get; } = [];

    /// <summary>What became of them.</summary>
    public Truth Expected { get; } = new();

    /// <summary>What a report has to say.</summary>
    public sealed class Truth
    {
        public int Connections, Stopped, Told, NotTaken, ByAccessList, Known, New, WithoutWord, Rejected, Delivering, Idle, Delivered, RejectLines;
        public readonly Dictionary<ScreeningCause, int> Causes = [];

        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"connections {Connections}, stopped {Stopped}, told {Told}, not taken {NotTaken}, list {ByAccessList}, known {Known}, new {New}, no word {WithoutWord}; ")
            + string.Create(CultureInfo.InvariantCulture, $"rejected {Rejected}, with mail {Delivering}, idle {Idle}, delivered {Delivered}, rejections {RejectLines}; ")
            + string.Join(", ", Causes.OrderBy(static cause => cause.Key).Select(static cause => $"{cause.Key} {cause.Value}"));

        /// <summary>The same of a report.</summary>
        public static string Of(Report report)
        {
            var truth = new Truth
            {
                Connections = report.Connections - report.Unfinished,
                Stopped = report.Stopped,
                Told = report.ToldToComeBack,
                NotTaken = report.NotTaken,
                ByAccessList = report.HandedOff.ByAccessList,
                Known = report.HandedOff.Known,
                New = report.HandedOff.New,
                WithoutWord = report.HandedOff.WithoutWord,
                Rejected = report.Rejected,
                Delivering = report.Delivering,
                Idle = report.Idle,
                Delivered = report.Delivered,
                RejectLines = report.RejectLines,
            };
            foreach (var cause in report.Causes)
                truth.Causes[cause.Cause] = cause.Connections;
            return truth.ToString();
        }
    }

    /// <summary>Syslog's classic form.</summary>
    /// <param name="line">The line.</param>
    /// <param name="start">The time of second 0.</param>
    public static string Classic(Line line, DateTime start) =>
        string.Create(CultureInfo.InvariantCulture, $"{start.AddSeconds(line.Time):MMM} {start.AddSeconds(line.Time).Day,2} {start.AddSeconds(line.Time):HH:mm:ss} {line.Host} {line.Program}[{line.ProcessId}]: {line.Text}");

    private void Client(string host, uint screen, double began)
    {
        var address = $"192.0.2.{_random.Next(_addresses)}";
        var port = _port++;
        if (_port == 0)
            _port = 1024;
        var client = $"[{address}]:{port}";
        var time = began;
        Expected.Connections++;
        Postscreen(0, $"CONNECT from {client} to [198.51.100.1]:25");
        switch (_random.Next(_isMixable ? 20 : 24))
        {
            case 0:
                Postscreen(Wait(6), $"PREGREET 14 after 1.2 from {client}: EHLO ylmf-pc\\r\\n");
                Stop(ScreeningCause.Pregreet);
                break;
            case 1:
                Postscreen(Wait(6), $"PREGREET 14 after 0.1 from {client}: EHLO ylmf-pc\\r\\n");
                Postscreen(Wait(2), $"NOQUEUE: reject: RCPT from {client}: 550 5.5.1 Protocol error; from=<a@b.example>, to=<c@d.example>, proto=ESMTP, helo=<ylmf-pc>");
                Stop(ScreeningCause.Pregreet);
                break;
            case 2:
                Postscreen(Wait(6), $"HANGUP after 3.4 from {client} in tests before SMTP handshake");
                Stop(ScreeningCause.HangupBefore);
                break;
            case 3:
                Postscreen(0, $"DENYLISTED {client}");
                Stop(ScreeningCause.Denylisted);
                break;
            case 4:
                Say(host, time + 0.2, "dnsblog", 300, $"addr {address} listed by domain zen.example as 127.0.0.2");
                Postscreen(6, $"DNSBL rank 3 for {client}");
                Postscreen(Wait(2), $"NOQUEUE: reject: RCPT from {client}: 550 5.7.1 Service unavailable; client [{address}] blocked using zen.example; from=<a>, to=<b>, proto=ESMTP, helo=<x>");
                Stop(ScreeningCause.Dnsbl);
                break;
            case 5:
                Postscreen(8, $"COMMAND PIPELINING from {client} after MAIL: RCPT TO:<a@b.example>\\r\\n");
                Postscreen(Wait(1), $"HANGUP after 2.2 from {client} in tests after SMTP handshake");
                Stop(ScreeningCause.Pipelining | ScreeningCause.HangupAfter);
                break;
            case 6:
                Postscreen(8, $"NON-SMTP COMMAND from {client} after CONNECT: GET / HTTP/1.1");
                Stop(ScreeningCause.NonSmtpCommand);
                break;
            case 7:
                Postscreen(8, $"COMMAND TIME LIMIT from {client} after EHLO");
                Stop(ScreeningCause.CommandLimit);
                break;
            case 8:
                Postscreen(0, $"NOQUEUE: reject: CONNECT from {client}: too many connections");
                Stop(ScreeningCause.ConnectionLimit);
                break;
            case 9:
                Postscreen(0, $"reject: connect from {client}: all screening ports busy");
                Stop(ScreeningCause.NoRoom);
                break;
            case 10:
                Stop(ScreeningCause.None);
                break;
            case 11:
                ComeBack(afterwards: null);
                break;
            case 12: // left without QUIT, and has passed all the same
                ComeBack(afterwards: "HANGUP after 0.9 from {0} in tests after SMTP handshake");
                break;
            case 13 or 14 or 15:
                Postscreen(6, $"PASS NEW {client}");
                Expected.New++;
                HandOff(Entrance.New);
                break;
            case 16 or 17:
                Postscreen(0, $"PASS OLD {client}");
                Expected.Known++;
                HandOff(Entrance.Known);
                break;
            case 18:
                Postscreen(0, $"ALLOWLISTED {client}");
                Expected.ByAccessList++;
                HandOff(Entrance.AccessList);
                break;
            case 19: // what it fails is ignored
                Postscreen(Wait(5), $"PREGREET 14 after 2.2 from {client}: EHLO x\\r\\n");
                time += 1;
                Expected.WithoutWord++;
                HandOff(Entrance.None);
                break;
            case 20:
                Postscreen(6, $"PASS NEW {client}");
                Postscreen(0, "warning: cannot connect to service private/smtpd: Connection refused");
                Postscreen(4, $"PASS OLD {client}");
                Postscreen(0, $"DISCONNECT {client}");
                NotTaken();
                break;
            case 21:
                Postscreen(0, $"PASS OLD {client}");
                Postscreen(0, "warning: cannot connect to service private/smtpd: Connection refused");
                NotTaken();
                break;
            case 22:
                Postscreen(0, $"PASS OLD {client}");
                Postscreen(10, "warning: timeout sending connection to service private/smtpd");
                Postscreen(0, $"DISCONNECT {client}");
                NotTaken();
                break;
            default:
                Postscreen(0, $"NOQUEUE: reject: CONNECT from {client}: all server ports busy");
                Postscreen(0, $"DISCONNECT {client}");
                NotTaken();
                break;
        }

        void Postscreen(double later, string text) => Say(host, time += later, "postscreen", screen, text);

        void ComeBack(string? afterwards)
        {
            Postscreen(7, $"NOQUEUE: reject: RCPT from {client}: 450 4.3.2 Service currently unavailable; from=<a>, to=<b>, proto=ESMTP, helo=<x>");
            if (afterwards is not null)
                Postscreen(Wait(2), string.Format(CultureInfo.InvariantCulture, afterwards, client));
            Postscreen(0, $"PASS NEW {client}");
            Postscreen(0, $"DISCONNECT {client}");
            Expected.Told++;
            Event(Outcome.ToldToComeBack, Entrance.New, afterwards is null ? ScreeningCause.None : ScreeningCause.HangupAfter);
        }

        void Stop(ScreeningCause causes)
        {
            Postscreen(0, $"DISCONNECT {client}");
            Expected.Stopped++;
            foreach (var cause in Enum.GetValues<ScreeningCause>().Where(one => one is not ScreeningCause.None && causes.HasFlag(one)))
                Expected.Causes[cause] = Expected.Causes.GetValueOrDefault(cause) + 1;
            Event(Outcome.Stopped, Entrance.None, causes);
        }

        void NotTaken()
        {
            Expected.NotTaken++;
            Event(Outcome.NotTaken, Entrance.Known, ScreeningCause.NoRoom);
        }

        void HandOff(Entrance entrance)
        {
            Session(host, address, time + 0.01);
            Event(Outcome.HandedOff, entrance, ScreeningCause.None);
        }

        void Event(Outcome outcome, Entrance entrance, ScreeningCause causes) => Events.Add(new RecordedClient
        {
            Connected = new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero).AddSeconds(began),
            Duration = TimeSpan.FromSeconds(time - began),
            Address = IpAddress.TryParse(address, out var parsed) ? parsed : default,
            Port = port,
            Server = new Endpoint(IpAddress.FromIPv4(0xc6336401), 25),
            Outcome = outcome,
            Entrance = entrance,
            Causes = causes,
        });
    }

    private double Wait(double most) => _random.NextDouble() * most;

    // A session of smtpd behind screening: what it brings is known.
    private void Session(string host, string address, double time)
    {
        var server = Server(time);
        var name = $"mail.example[{address}]";
        Smtpd(0, $"connect from {name}");
        var (isTaken, rejections) = (false, 0);
        for (var mails = _random.Next(3); mails > 0; mails--)
        {
            switch (_random.Next(5))
            {
                case 0:
                    Smtpd(0.3, $"NOQUEUE: reject: RCPT from {name}: 550 5.1.1 <x@y>: Recipient address rejected: User unknown; from=<a> to=<b> proto=ESMTP helo=<c>");
                    rejections++;
                    break;
                case 1:
                    var refused = Begin();
                    Say(host, time += 0.1, "cleanup", 7001, $"{refused}: milter-reject: END-OF-MESSAGE from {name}: 5.7.1 Spam message rejected; from=<a> to=<b> proto=ESMTP helo=<c>");
                    rejections++;
                    break;
                case 2:
                    Smtpd(0.2, $"NOQUEUE: milter-reject: RCPT from {name}: 451 4.7.1 Greylisting in action; from=<a> to=<b> proto=ESMTP helo=<c>");
                    rejections++;
                    break;
                case 3 when mails == 1:
                    Begin();
                    Smtpd(0.3, $"lost connection after DATA (120 bytes) from {name}");
                    break;
                default:
                    isTaken = true;
                    Deliver(host, Begin(), time, counts: true);
                    break;
            }
        }

        Smtpd(0.5, $"disconnect from {name} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5");
        Free(server, time);
        Expected.RejectLines += rejections;
        if (isTaken)
            Expected.Delivering++;
        else if (rejections > 0)
            Expected.Rejected++;
        else
            Expected.Idle++;

        void Smtpd(double later, string text) => Say(host, time += later, "smtpd", server, text);

        string Begin()
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"4F{++_mail:X6}");
            Smtpd(0.4, $"{id}: client={name}");
            Say(host, time += 0.05, "cleanup", 7001, $"{id}: message-id=<{id}@mail.example>");
            return id;
        }
    }

    private void Deliver(string host, string id, double time, bool counts)
    {
        Say(host, time + 0.05, "qmgr", 7002, $"{id}: from=<a@b.example>, size=500, nrcpt=2 (queue active)");
        var isSent = _random.Next(4) > 0;
        Say(host, time + 0.2, "local", 7003, $"{id}: to=<c@d.example>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn={(isSent ? "2.0.0, status=sent (delivered to mailbox)" : "4.2.2, status=deferred (mailbox full)")}");
        if (!isSent)
            return;
        Say(host, time + 0.21, "local", 7003, $"{id}: to=<e@d.example>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)");
        Say(host, time + 0.22, "qmgr", 7002, $"{id}: removed");
        Expected.Delivered += counts ? 1 : 0;
    }

    // Nobody behind screening: submission, and a content filter that gives mail back.
    private void Submission(string host, double time)
    {
        var isSubmission = _random.Next(2) == 0;
        var address = isSubmission ? $"192.0.2.{_random.Next(_addresses)}" : "127.0.0.1";
        var server = Server(time);
        var id = string.Create(CultureInfo.InvariantCulture, $"5A{++_mail:X6}");
        Smtpd(0, $"connect from user.example[{address}]");
        Smtpd(0.2, $"{id}: client=user.example[{address}]{(isSubmission ? ", sasl_method=PLAIN, sasl_username=u" : "")}");
        Deliver(host, id, time, counts: false);
        Smtpd(0.3, $"disconnect from user.example[{address}] ehlo=2 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=7");
        Free(server, time);

        void Smtpd(double later, string text) => Say(host, time += later, isSubmission ? "submission/smtpd" : "smtpd", server, text);
    }

    private uint Server(double time)
    {
        var free = _servers.FindIndex(server => server.FreeAt + (_isMixable ? 5 : 0) < time);
        if (free < 0)
            return ++_lastServer;
        var id = _servers[free].Id;
        _servers.RemoveAt(free);
        return id;
    }

    private void Free(uint server, double time) => _servers.Add((server, time));

    private void Say(string host, double time, string program, uint process, string text) => Lines.Add(new Line(time, Lines.Count, host, "postfix/" + program, process, text));
}

using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Screening;
using Postern.Events;
using Postern.Tests.Screening;

namespace Postern.Tests.Replay;

/// <summary>What a client says after the greeting.</summary>
public enum Manners
{
    Polite,
    QuitsAtOnce,
    Pipelines,
    BareNewline,
    SpeaksHttp,
    HangsUp,
    SaysNothing,
}

/// <summary>What DNS lists say of an address: list, seconds until they answer, the answer (0: not listed), and for how many seconds it is good.</summary>
public sealed record ListFact(string List, double After, uint Answer, int TimeToLive);

/// <summary>One visit of a client: what it would do, whatever we do. Times are seconds after its connection; <paramref name="Think"/> is between its commands.</summary>
public sealed record Visit(double At, double? Talks, double? HangsUp, Manners Manners, double Think = 0.2);

/// <summary>All there is to know of an address: the truth, of which an event log has a part.</summary>
public sealed record Story(string Address, Visit[] Visits, ListFact[] Lists, ReverseName Name)
{
    /// <summary>Lives it through under some settings; visits may meet.</summary>
    /// <returns>What the event log has, in the order in which the clients came.</returns>
    public List<RecordedClient> Under(Settings settings) => [.. new Life(this, settings).Run().Select(static session => Read(TextOf(session)))];

    public static string TextOf(Session session)
    {
        var line = new ByteBuffer();
        ClientEvent.Write(session, line);
        return Encoding.UTF8.GetString(line.Written);
    }

    public static RecordedClient Read(string line)
    {
        Assert.True(ClientEventReader.TryRead(Encoding.UTF8.GetBytes(line), out var client), line);
        return client;
    }

    private sealed class Life(Story story, Settings settings)
    {
        private readonly Dictionary<IpAddress, TestExpiry> _allowlist = [];
        private readonly ServiceLoad _load = new();
        private readonly PriorityQueue<Action, (TimeSpan, int)> _agenda = new();
        private readonly List<FakeShell> _shells = [];
        private readonly HashSet<FakeShell> _gone = [], _talking = [];
        private readonly HashSet<DnsblScore> _asked = [];
        private ClientAddressState? _address;
        private int _order;

        public IEnumerable<Session> Run()
        {
            foreach (var visit in story.Visits)
                At(visit.At, () => Connect(visit));
            while (true)
            {
                var next = _shells.Select(static shell => shell.Timer).Append(_agenda.TryPeek(out _, out var due) ? due.Item1 : null).Min();
                if (next is not { } now)
                    break;
                foreach (var shell in _shells)
                {
                    if (!shell.IsOver)
                        shell.AdvanceTo(now);
                    Look(shell);
                }

                while (_agenda.TryPeek(out var action, out due) && due.Item1 <= now)
                {
                    _agenda.Dequeue();
                    action();
                    _shells.ForEach(Look);
                }
            }

            Assert.All(_shells, static shell => Assert.True(shell.IsOver));
            return _shells.Select(static shell => shell.Session);
        }

        private void At(double seconds, Action action) => _agenda.Enqueue(action, (TimeSpan.FromSeconds(seconds), ++_order));

        private void Connect(Visit visit)
        {
            _address ??= new ClientAddressState(Ip.Of(story.Address));
            var shell = new FakeShell(settings, _address.Address, _load, _address, connectAt: TimeSpan.FromSeconds(visit.At)) { Allowlist = _allowlist };
            _shells.Add(shell);
            if (visit.Talks is { } talks)
                At(visit.At + talks, () => Do(shell, () => shell.Receive("EHLO early\r\n"u8)));
            if (visit.HangsUp is { } hangsUp)
                At(visit.At + hangsUp, () => Do(shell, () => HangUpUnlessGreeted(shell)));
            shell.Connect();
            Do(shell, () => TellName(shell));
            AskLists(shell, visit.At);
        }

        private static void HangUpUnlessGreeted(FakeShell shell)
        {
            if (!shell.IsRead)
                shell.HangUp();
        }

        private void TellName(FakeShell shell)
        {
            if (shell.AsksName)
                shell.TellName(story.Name);
        }

        private void AskLists(FakeShell shell, double at)
        {
            if (shell.DnsblScore is not { } score || !_asked.Add(score))
                return;
            foreach (var fact in story.Lists.Where(fact => settings.DnsblSites!.Lists.Any(list => list.Domain == fact.List)))
                At(at + fact.After, () => Answer(score, fact));
        }

        private void Answer(DnsblScore score, ListFact fact)
        {
            if (!score.Add(score.Sites.Lists.First(list => list.Domain == fact.List), fact.Answer == 0 ? [] : [fact.Answer], fact.TimeToLive, TimeSpan.FromSeconds(fact.After)))
                return;
            foreach (var shell in _shells.Where(shell => shell.DnsblScore == score))
                shell.TellDnsblComplete();
        }

        /// <summary>Whether it talks to us now, or is gone.</summary>
        private void Look(FakeShell shell)
        {
            if (shell.IsRead && _talking.Add(shell))
            {
                var visit = story.Visits[_shells.IndexOf(shell)];
                var at = shell.Now.TotalSeconds;
                foreach (var words in Words(visit.Manners))
                    At(at += visit.Think, () => Do(shell, () => Say(shell, words)));
            }

            if (!shell.IsOver || !_gone.Add(shell))
                return;
            shell.Session.OnGone();
            if (--_address!.Concurrency == 0)
                _address = null;
        }

        private static void Do(FakeShell shell, Action action)
        {
            if (!shell.IsOver)
                action();
        }

        private static void Say(FakeShell shell, string words)
        {
            if (words.Length == 0)
                shell.HangUp();
            else
                shell.Receive(Encoding.ASCII.GetBytes(words));
        }
    }

    private static string[] Words(Manners manners) => manners switch
    {
        Manners.Polite => ["EHLO x\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "QUIT\r\n"],
        Manners.QuitsAtOnce => ["QUIT\r\n"],
        Manners.Pipelines => ["EHLO x\r\nMAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "QUIT\r\n"],
        Manners.BareNewline => ["EHLO x\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", ""],
        Manners.SpeaksHttp => ["GET / HTTP/1.1\r\n", "Host: x\r\n", ""],
        Manners.HangsUp => [""],
        _ => [],
    };
}

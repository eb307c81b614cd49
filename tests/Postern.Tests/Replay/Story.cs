using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
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

/// <summary>What DNS lists say of an address: list, seconds until they answer, the answer; 0: not listed.</summary>
public sealed record ListFact(string List, double After, uint Answer);

/// <summary>One visit of a client: what it would do, whatever we do. Times are seconds after its connection.</summary>
public sealed record Visit(double At, double? Talks, double? HangsUp, Manners Manners);

/// <summary>All there is to know of an address: the truth, of which an event log has a part.</summary>
public sealed record Story(string Address, Visit[] Visits, ListFact[] Lists, ReverseName Name)
{
    private const double DialogueAt = 200; // all waits are over by then

    /// <summary>Lives it through under some settings.</summary>
    /// <returns>What the event log has, in the order in which the clients came.</returns>
    public List<RecordedClient> Under(Settings settings)
    {
        var allowlist = new Dictionary<IpAddress, TestExpiry>();
        return [.. Visits.Select(visit => Read(TextOf(Live(settings, visit, allowlist).Session)))];
    }

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

    private FakeShell Live(Settings settings, Visit visit, Dictionary<IpAddress, TestExpiry> allowlist)
    {
        var shell = new FakeShell(settings, Ip.Of(Address), connectAt: TimeSpan.FromSeconds(visit.At)) { Allowlist = allowlist };
        var steps = new List<(double At, Action Do)> { (0, () => Tell(shell)) };
        foreach (var fact in Lists)
            steps.Add((fact.After, () => TellList(shell, settings, fact)));
        if (visit.Talks is { } talks)
            steps.Add((talks, () => shell.Receive("EHLO early\r\n"u8)));
        if (visit.HangsUp is { } hangsUp)
            steps.Add((hangsUp, shell.HangUp));
        steps.AddRange(Words(visit.Manners).Select((words, i) => (DialogueAt + i, (Action)(() => Say(shell, words)))));
        shell.Connect();
        foreach (var (at, action) in steps.OrderBy(static step => step.At))
        {
            shell.AdvanceTo(TimeSpan.FromSeconds(visit.At + at));
            if (!shell.IsOver)
                action();
        }

        shell.AdvanceTo(TimeSpan.FromSeconds(visit.At + DialogueAt + 1000));
        Assert.True(shell.IsOver);
        return shell;
    }

    private void Tell(FakeShell shell)
    {
        if (shell.AsksName)
            shell.TellName(Name);
    }

    private static void TellList(FakeShell shell, Settings settings, ListFact fact)
    {
        if (shell.DnsblScore is not null && settings.DnsblSites!.Lists.Any(list => list.Domain == fact.List))
            shell.Answer(fact.List, 60, fact.Answer == 0 ? [] : [fact.Answer]);
    }

    private static void Say(FakeShell shell, string words)
    {
        if (words.Length == 0)
            shell.HangUp();
        else
            shell.Receive(Encoding.ASCII.GetBytes(words));
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

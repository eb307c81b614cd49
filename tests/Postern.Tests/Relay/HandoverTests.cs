using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Smtp;

namespace Postern.Tests.Relay;

/// <summary>The talk with the server, reply by reply.</summary>
public sealed class HandoverTests
{
    private static readonly ClientIdentity Client = new(Ip.Of("192.0.2.7"), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25), "id");

    private static readonly Envelope Said = new()
    {
        Helo = "foo.test"u8.ToArray(),
        Extended = true,
        Announced = new EhloOffer(EhloKeywords.Size | EhloKeywords.Dsn, 5000, null),
        Mail = "FROM:<a@b> SIZE=9 RET=HDRS"u8.ToArray(),
        Last = "TO:<c@d> NOTIFY=NEVER"u8.ToArray(),
        Rest = [],
    };

    private const string Offer = "250-mx\r\n250-SIZE 5000\r\n250 DSN\r\n";

    [Fact]
    public void A_session_is_said_again_line_by_line()
    {
        var talk = Handover.OfSession(Rules(RelayAnnouncement.ProxyV1), Client, Said);

        Assert.Equal("PROXY TCP4 192.0.2.7 192.0.2.25 40000 25\r\n", Sent(talk));
        Assert.Equal("EHLO foo.test\r\n", Hear(talk, "220 mx\r\n"));
        Assert.Equal("MAIL FROM:<a@b> SIZE=9 RET=HDRS\r\n", Hear(talk, Offer));
        Assert.Equal("RCPT TO:<c@d> NOTIFY=NEVER\r\n", Hear(talk, "250 2.1.0 Ok\r\n"));
        Assert.Equal("done: 250-2.1.5 Fine\r\n250 ok\r\n", Hear(talk, "250-2.1.5 Fine\r\n250 ok\r\n"));
        Assert.Equal(5000, talk.Learned!.SizeLimit);
    }

    [Fact]
    public void XCLIENT_comes_before_the_clients_own_EHLO()
    {
        var talk = Handover.OfSession(Rules(RelayAnnouncement.Xclient), Client, Said);

        Assert.Equal("", Sent(talk));
        Assert.Equal("EHLO postern.test\r\n", Hear(talk, "220 mx\r\n"));
        Assert.Equal("XCLIENT ADDR=192.0.2.7 PROTO=ESMTP HELO=foo.test\r\n", Hear(talk, "250-mx\r\n250 XCLIENT ADDR PROTO HELO\r\n"));
        Assert.Equal("EHLO foo.test\r\n", Hear(talk, "220 mx\r\n"));
    }

    [Theory]
    [InlineData(RelayAnnouncement.None, "220-a\r\n220 b\r\n", "done: 220-a\r\n220 b\r\n")]
    [InlineData(RelayAnnouncement.None, "220 b\r\nEXTRA", "done: 220 b\r\nEXTRA")]
    [InlineData(RelayAnnouncement.ProxyV1, "220 b\r\n500 what\r\n", "failed: it does not know the PROXY protocol: it answers its header (more than a greeting)")]
    [InlineData(RelayAnnouncement.ProxyV2, "220 b\r\n421 bye\r\n", "failed: it talks out of turn")]
    [InlineData(RelayAnnouncement.None, "554 no\r\n", "refused, final: it says instead of a greeting: 554 no")]
    [InlineData(RelayAnnouncement.None, "421 busy\r\n", "refused: it says instead of a greeting: 421 busy")]
    [InlineData(RelayAnnouncement.None, "250 what\r\n", "failed: its greeting is 250 what")]
    [InlineData(RelayAnnouncement.None, "SSH-2.0-OpenSSH\r\n", "failed: what it says instead of a greeting is no SMTP reply")]
    [InlineData(RelayAnnouncement.Xclient, "220 a\r\n220 b\r\n", "failed: it talks out of turn")]
    public void A_silent_client_gets_the_servers_greeting(RelayAnnouncement announcement, string greeting, string expected)
    {
        var talk = Handover.OfSilentClient(Rules(announcement), Client);
        Sent(talk);

        Assert.Equal(expected, Hear(talk, greeting));
    }

    [Fact]
    public void A_silent_client_behind_XCLIENT_gets_the_second_greeting()
    {
        var talk = Handover.OfSilentClient(Rules(RelayAnnouncement.Xclient), Client);

        Assert.Equal("EHLO postern.test\r\n", Hear(talk, "220 first\r\n"));
        Assert.Equal("XCLIENT ADDR=192.0.2.7 PORT=40000\r\n", Hear(talk, "250-mx\r\n250 XCLIENT ADDR PORT HELO\r\n"));
        Assert.Equal("done: 220 second\r\n", Hear(talk, "220 second\r\n"));
    }

    [Fact]
    public void A_server_that_does_not_let_us_say_XCLIENT_gets_no_client()
    {
        var talk = Handover.OfSilentClient(Rules(RelayAnnouncement.Xclient), Client);
        Hear(talk, "220 mx\r\n");

        Assert.Equal("failed: it does not offer XCLIENT with ADDR to us", Hear(talk, Offer));
    }

    // At each step of the replay: what the server says there, and what comes of it.
    [Theory]
    [InlineData(1, "550 5.7.1 HELO no\r\n", "refused, final: it says after EHLO: 550 5.7.1 HELO no")]
    [InlineData(1, "421 bye\r\n", "refused: it says after EHLO: 421 bye")]
    [InlineData(1, "502 what\r\n", "refused, final: it says after EHLO: 502 what")] // DSN was promised; HELO has none
    [InlineData(1, "250-mx\r\n250 SIZE 5000\r\n", "failed: it no longer offers what the client was promised")]
    [InlineData(2, "452 4.3.1 full\r\n", "done: 452 4.3.1 full\r\n")]
    [InlineData(2, "550 no\r\n", "done: 550 no\r\n")]
    [InlineData(2, "421 bye\r\n", "refused: it says after MAIL: 421 bye")]
    [InlineData(2, "250 ok\r\n250 ok\r\n", "failed: it talks out of turn")]
    [InlineData(3, "550 5.1.1 unknown\r\n", "done: 550 5.1.1 unknown\r\n")]
    [InlineData(3, "450 4.2.0 greylisted\r\n", "done: 450 4.2.0 greylisted\r\n")]
    [InlineData(3, "421 bye\r\n", "refused: it says after RCPT: 421 bye")]
    [InlineData(3, "hm\r\n", "failed: what it says after RCPT is no SMTP reply")]
    public void Every_answer_has_a_consequence(int step, string answer, string expected)
    {
        var talk = AtStep(step, Said);

        Assert.Equal(expected, Hear(talk, answer));
    }

    [Theory]
    [InlineData(0, "instead of a greeting")]
    [InlineData(1, "after EHLO")]
    [InlineData(2, "after MAIL")]
    [InlineData(3, "after RCPT")]
    public void A_server_that_hangs_up_or_falls_silent_can_be_replaced(int step, string where)
    {
        var (closed, silent) = (AtStep(step, Said), AtStep(step, Said));

        Assert.Equal(HandoverStep.GiveUp, closed.OnClosed());
        Assert.Equal(HandoverStep.GiveUp, silent.OnTimeout());
        Assert.Equal(("it hung up " + where, true, true), (closed.Reason, closed.MayTryNext, closed.IsSuspect));
        Assert.Equal(("timeout " + where, true, true), (silent.Reason, silent.MayTryNext, silent.IsSuspect));
    }

    [Fact]
    public void A_server_without_EHLO_gets_HELO_where_nothing_was_promised()
    {
        var talk = AtStep(1, Said with { Announced = EhloOffer.Nothing });

        Assert.Equal("HELO foo.test\r\n", Hear(talk, "500 what\r\n"));
        Assert.Equal("MAIL FROM:<a@b> SIZE=9 RET=HDRS\r\n", Hear(talk, "250 mx\r\n"));
    }

    [Theory]
    [InlineData(false, "foo.test", "HELO foo.test\r\n")]
    [InlineData(false, "", "MAIL FROM:<a@b> SIZE=9 RET=HDRS\r\n")]
    public void The_client_is_quoted_as_it_spoke(bool extended, string helo, string expected)
    {
        var talk = Handover.OfSession(Rules(RelayAnnouncement.None), Client, Said with { Extended = extended, Helo = Encoding.Latin1.GetBytes(helo) });

        Assert.Equal(expected, Hear(talk, "220 mx\r\n"));
    }

    [Theory]
    [InlineData(RelayAnnouncement.None, "250-mx\r\n250 DSN\r\n", "QUIT\r\n", EhloKeywords.Dsn)]
    [InlineData(RelayAnnouncement.None, "500 what\r\n", "QUIT\r\n", EhloKeywords.None)]
    [InlineData(RelayAnnouncement.Xclient, "250-mx\r\n250 XCLIENT ADDR\r\n", "XCLIENT ADDR=192.0.2.1\r\n", EhloKeywords.XClient)]
    public void A_probe_learns_what_the_server_offers(RelayAnnouncement announcement, string reply, string last, EhloKeywords learned)
    {
        var talk = Handover.Probe(Rules(announcement), Client);
        Hear(talk, "220 mx\r\n");

        Assert.Equal(last, Hear(talk, reply));
        Assert.Equal(learned, talk.Learned!.Keywords);
    }

    [Theory]
    [InlineData(RelayAnnouncement.None, "221 bye\r\n")]
    [InlineData(RelayAnnouncement.None, "250 as you like\r\n")]
    [InlineData(RelayAnnouncement.ProxyV1, "221 bye\r\n")]
    [InlineData(RelayAnnouncement.ProxyV2, null)] // it hangs up without a word
    public void A_probe_ends_with_QUIT(RelayAnnouncement announcement, string? last)
    {
        var talk = Handover.Probe(Rules(announcement), Client);
        Hear(talk, "220 mx\r\n");
        Assert.Equal("QUIT\r\n", Hear(talk, "250 mx\r\n"));

        Assert.Equal(HandoverStep.Done, last is null ? talk.OnClosed() : talk.OnReceived(Encoding.Latin1.GetBytes(last)));
        Assert.Equal(announcement is RelayAnnouncement.None ? null : true, talk.MayBeTold);
    }

    // A stranger is announced, and must not be let do what we may: else clients could.
    [Theory]
    [InlineData("220 mx\r\n", "250-mx\r\n250 XCLIENT ADDR\r\n", "550 5.7.0 no\r\n", true)]
    [InlineData("220 mx\r\n", "250 mx\r\n", "500 what\r\n", true)]
    [InlineData("220 mx\r\n", "550 go away\r\n", null, true)]
    [InlineData("554 go away\r\n", null, null, true)]
    [InlineData("220 mx\r\n", "250 mx\r\n", "220 mx\r\n", false)]
    [InlineData("220 mx\r\n", "250 mx\r\n", "250 ok\r\n", false)]
    [InlineData("501 5.5.4 Bad ADDR\r\n", null, null, null)]
    [InlineData("421 busy\r\n", null, null, null)]
    [InlineData("220 mx\r\n", "421 busy\r\n", null, null)]
    [InlineData("220 mx\r\n", "250 mx\r\n", "421 busy\r\n", null)]
    public void A_server_has_to_go_by_the_address_that_XCLIENT_tells_it(string first, string? hello, string? second, bool? mayBeTold)
    {
        var talk = Handover.Probe(Rules(RelayAnnouncement.Xclient), Client);
        Hear(talk, "220 mx\r\n");
        Assert.Equal("XCLIENT ADDR=192.0.2.1\r\n", Hear(talk, "250-mx\r\n250 XCLIENT ADDR\r\n"));

        var said = Hear(talk, first);
        if (hello is not null)
        {
            Assert.Equal("EHLO postern.test\r\n", said);
            said = Hear(talk, hello);
        }

        if (second is not null)
        {
            Assert.Equal("XCLIENT ADDR=192.0.2.2\r\n", said);
            said = Hear(talk, second);
        }

        Assert.Equal(mayBeTold, talk.MayBeTold);
        if (mayBeTold == true)
            Assert.Equal("QUIT\r\n", said);
        else
            Assert.StartsWith(mayBeTold is null ? "refused" : "failed: it goes by the address of our connection", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("250 mx\r\n", "it does not offer XCLIENT with ADDR to us")]
    [InlineData("550 no\r\n", "it says no to our EHLO: 550 no")]
    public void A_probe_finds_out_that_the_server_is_of_no_use(string reply, string expected)
    {
        var talk = Handover.Probe(Rules(RelayAnnouncement.Xclient), Client);
        Hear(talk, "220 mx\r\n");

        Assert.Equal(HandoverStep.GiveUp, talk.OnReceived(Encoding.Latin1.GetBytes(reply)));
        Assert.Equal(expected, talk.Reason);
    }

    private static RelayRules Rules(RelayAnnouncement announcement) => new() { Announcement = announcement, MyHostname = "postern.test" };

    private static Handover AtStep(int step, Envelope envelope)
    {
        var talk = Handover.OfSession(Rules(RelayAnnouncement.None), Client, envelope);
        foreach (var reply in ((string[])["220 mx\r\n", Offer, "250 ok\r\n"])[..step])
            Hear(talk, reply);
        return talk;
    }

    /// <summary>What the server hears in reply, or how it ended.</summary>
    private static string Hear(Handover talk, string reply)
    {
        var step = talk.OnReceived(Encoding.Latin1.GetBytes(reply));
        return step switch
        {
            HandoverStep.Wait => Sent(talk),
            HandoverStep.Done => "done: " + Encoding.Latin1.GetString(talk.ToClient.Written),
            _ when talk.Answer is null => "failed: " + talk.Reason,
            _ => (talk.MayTryNext ? "refused: " : "refused, final: ") + talk.Reason,
        };
    }

    private static string Sent(Handover talk)
    {
        var text = Encoding.Latin1.GetString(talk.ToServer.Written);
        talk.ToServer.Truncate(0);
        return text;
    }
}

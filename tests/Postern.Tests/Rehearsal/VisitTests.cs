using System.Text;
using Postern.Core.Rehearsal;

namespace Postern.Tests.Rehearsal;

public sealed class VisitTests
{
    private static readonly Manners Decent = new(null, TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1), Dialect.Smtp, "mail.a.example", "a@a.example", "b@b.example");

    private TimeSpan _now;

    [Fact]
    public void A_decent_client_waits_and_sends_its_mail()
    {
        var visit = new Visit(Decent);

        Hear(visit, 0, "220-mx.example ESMTP\r\n");
        Assert.False(visit.IsGreeted);
        Hear(visit, 6, "220 mx.example ESMTP\r\n");
        Assert.Equal(TimeSpan.FromSeconds(6), visit.GreetedAfter);
        Assert.Equal("EHLO mail.a.example\r\n", Next(visit));
        Hear(visit, 7, "250-mx.example\r\n250 PIPELINING\r\n");
        Assert.Equal("MAIL FROM:<a@a.example>\r\n", Next(visit));
        Hear(visit, 8, "250 2.1.0 Ok\r\n");
        Assert.Equal("RCPT TO:<b@b.example>\r\n", Next(visit));
        Hear(visit, 9, "250 2.1.5 Ok\r\n");
        Assert.Equal("DATA\r\n", Next(visit));
        Hear(visit, 10, "354 End data\r\n");
        Assert.EndsWith("\r\n.\r\n", Next(visit), StringComparison.Ordinal);
        Assert.True(visit.AwaitsReply);
        Hear(visit, 11, "250 2.0.0 Ok\r\n");
        Assert.Equal(VisitResult.Accepted, visit.Result);
        Assert.Equal("QUIT\r\n", Next(visit));
        Hear(visit, 12, "221 2.0.0 Bye\r\n");
        Assert.True(visit.IsLeaving);
    }

    [Theory]
    [InlineData("550 5.5.1 Protocol error\r\n", VisitResult.Refused)]
    [InlineData("450 4.3.2 Service currently unavailable\r\n", VisitResult.None)]
    public void A_refusal_is_for_good_or_for_now_by_its_first_digit(string reply, VisitResult result)
    {
        var visit = Greeted(Decent);
        Hear(visit, 1, "250 mx.example\r\n");
        Next(visit);

        Hear(visit, 2, reply);

        Assert.Equal("QUIT\r\n", Next(visit));
        Assert.Equal(result, visit.Result);
    }

    [Fact]
    public void Who_has_no_patience_left_hangs_up()
    {
        var visit = new Visit(Decent with { Patience = TimeSpan.FromSeconds(10) });
        Hear(visit, 0, "220-mx.example ESMTP\r\n");

        Assert.Equal(TimeSpan.FromSeconds(10), visit.WakeAt);
        Assert.Equal("", Next(visit));

        Assert.True(visit.IsLeaving);
        Assert.True(visit.HungUp);
        Assert.Equal(TimeSpan.FromSeconds(10), visit.LeftAfter);
    }

    // With "enforce" the answer to what it said comes without the rest of the greeting, with "ignore" behind it.
    [Theory]
    [InlineData("250-mx.example\r\n250 SIZE\r\n")]
    [InlineData("220 mx.example ESMTP\r\n250-mx.example\r\n250 SIZE\r\n")]
    public void An_early_talker_goes_on_when_it_is_answered(string answer)
    {
        var visit = new Visit(Decent with { TalksAfter = TimeSpan.FromSeconds(0.2) });
        Hear(visit, 0, "220-mx.example ESMTP\r\n");
        Assert.Equal("EHLO mail.a.example\r\n", Next(visit));

        Hear(visit, 1, answer);

        Assert.True(visit.IsGreeted);
        Assert.Equal("MAIL FROM:<a@a.example>\r\n", Next(visit));
    }

    [Fact]
    public void Who_is_greeted_before_it_would_talk_is_no_early_talker()
    {
        var visit = new Visit(Decent with { TalksAfter = TimeSpan.FromSeconds(7) });

        Hear(visit, 6, "220 mx.example ESMTP\r\n");

        Assert.Equal("EHLO mail.a.example\r\n", Next(visit));
        Assert.Equal("", Next(visit));
    }

    [Fact]
    public void A_greeting_that_is_none_ends_it()
    {
        var visit = new Visit(Decent);

        Hear(visit, 0, "521 5.3.2 Service currently unavailable\r\n");

        Assert.Equal(VisitResult.Refused, visit.Result);
        Assert.True(visit.IsLeaving);
        Assert.False(visit.HungUp);
    }

    [Fact]
    public void Dialects_differ_after_the_greeting()
    {
        Assert.Equal("EHLO mail.a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n", Next(Greeted(Decent with { Dialect = Dialect.Pipelining }, talk: false)));
        Assert.Equal("GET / HTTP/1.1\r\n", Next(Greeted(Decent with { Dialect = Dialect.Http }, talk: false)));
        Assert.Equal("EHLO mail.a.example\n", Next(Greeted(Decent with { Dialect = Dialect.BareNewline }, talk: false)));
        var flood = Greeted(Decent with { Dialect = Dialect.Flood });
        for (var i = 0; i < 40; i++)
        {
            Hear(flood, 1 + i, "250 2.0.0 Ok\r\n");
            Assert.Equal("NOOP\r\n", Next(flood));
        }
    }

    private Visit Greeted(Manners manners, bool talk = true)
    {
        var visit = new Visit(manners);
        Hear(visit, 0, "220 mx.example ESMTP\r\n");
        if (talk)
            Assert.Equal("EHLO mail.a.example\r\n", Next(visit));
        return visit;
    }

    private void Hear(Visit visit, double at, string text)
    {
        _now = TimeSpan.FromSeconds(at);
        visit.OnReceived(Encoding.ASCII.GetBytes(text), _now);
    }

    /// <summary>What it says when its time has come.</summary>
    private string Next(Visit visit)
    {
        if (visit.WakeAt is { } at)
            visit.OnTime(_now = at > _now ? at : _now);
        return visit.TakeOutput();
    }
}

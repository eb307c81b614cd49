using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Screening;

/// <summary>Clients whose access list has to wait for a table: a server's answer, or a large file that is being read at the start.</summary>
public sealed class AccessListWaitTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(0.5);

    private readonly SlowTable _table = new("slow:it");
    private readonly Settings _settings;
    private readonly FakeShell _shell;

    public AccessListWaitTests()
    {
        _settings = new Settings
        {
            GreetBanner = "mx ESMTP",
            Banner = "mx ESMTP",
            DenylistAction = FailAction.Drop,
            GreetAction = FailAction.Enforce,
            AccessList = AccessList.Parse("cidr:{{192.0.2.1 permit}}, slow:it, cidr:{{192.0.2.8 reject}}", MatchList.Everything, null, _table.Catalog(), new SessionActions()),
        };
        _shell = new FakeShell(_settings, Ip.Of("192.0.2.7"));
    }

    [Theory]
    [InlineData("permit", "= log ALLOWLISTED [192.0.2.7]:40000", "= hand off")]
    [InlineData("reject", "= log DENYLISTED [192.0.2.7]:40000", "S 521 5.3.2 Service currently unavailable")]
    [InlineData("dunno", "S 220-mx ESMTP", null)]
    public void A_servers_answer_is_waited_for_in_silence(string answer, string first, string? second)
    {
        _table.Answer = _ => LookupResult.Found(answer);
        _shell.Connect();
        _shell.AdvanceTo(Soon);
        Assert.Equal(["= log CONNECT from [192.0.2.7]:40000 to [192.0.2.25]:25", "= look up"], _shell.Output);
        Assert.Equal(ClientWait.Table, _shell.Session.Wait);

        _shell.AnswerTables();

        Assert.Equal(second is null ? [first] : [first, second], _shell.Output.Skip(2).Take(2));
    }

    [Fact]
    public void Whom_the_list_decides_about_before_does_not_wait()
    {
        var shell = new FakeShell(_settings, Ip.Of("192.0.2.1"));

        shell.Connect();

        Assert.True(shell.HandedOff);
        Assert.DoesNotContain("= look up", shell.Output);
    }

    [Fact]
    public void The_list_goes_on_behind_the_table()
    {
        var shell = new FakeShell(_settings, Ip.Of("192.0.2.8"));
        shell.Connect();

        shell.AnswerTables();

        Assert.Contains("= log DENYLISTED [192.0.2.8]:40000", shell.Output);
    }

    [Fact]
    public void An_error_ends_the_list_as_postscreen_has_it()
    {
        var shell = new FakeShell(_settings, Ip.Of("192.0.2.8"));
        _table.Answer = static _ => LookupResult.Error;
        shell.Connect();

        shell.AnswerTables();

        Assert.Equal(
            [
                "= log warning: slow:it: no answer",
                "= log warning: postscreen_access_list: slow:it: table lookup error -- ignoring the remainder of this access list",
                "S 220-mx ESMTP",
            ],
            shell.Output.Skip(2));
    }

    [Fact]
    public void While_a_file_is_read_the_teaser_goes_out_and_nothing_is_judged()
    {
        _table.Wait = LookupWait.Reading;
        _table.Answer = static _ => LookupResult.Found("permit");
        _shell.Connect();
        _shell.Receive("EHLO early.example\r\n"u8); // a permitted client may
        Assert.Equal(["= look up", "S 220-mx ESMTP"], _shell.Output.Skip(1));

        _shell.AdvanceTo(TimeSpan.FromSeconds(20)); // longer than the greet wait
        Assert.Equal(3, _shell.Output.Count);
        _shell.AnswerTables();

        Assert.Equal(["= log ALLOWLISTED [192.0.2.7]:40000", "= hand off"], _shell.Output.Skip(3));
        Assert.False(_shell.HasRead);
    }

    [Fact]
    public void Who_is_not_listed_waits_no_longer_than_without()
    {
        _table.Wait = LookupWait.Reading;
        _shell.Connect();
        _shell.AdvanceTo(Soon);

        _shell.AnswerTables();

        Assert.Equal(3, _shell.Output.Count); // no second teaser
        _shell.AdvanceTo(_settings.GreetWait);
        Assert.Contains("= log PASS NEW [192.0.2.7]:40000", _shell.Output);
        Assert.True(_shell.HandedOff);
    }

    [Fact]
    public void Who_talks_meanwhile_has_talked_too_soon()
    {
        _table.Wait = LookupWait.Reading;
        _shell.Connect();
        _shell.Receive("EHLO early.example\r\n"u8);
        _shell.AdvanceTo(Soon);

        _shell.AnswerTables();

        Assert.Contains("= log PREGREET 20 after 0.5 from [192.0.2.7]:40000: EHLO early.example\\r\\n", _shell.Output);
        Assert.False(_shell.HandedOff);
    }

    [Fact]
    public void Who_is_denied_gets_the_rest_of_a_greeting_that_refuses()
    {
        _table.Wait = LookupWait.Reading;
        _table.Answer = static _ => LookupResult.Found("reject");
        _shell.Connect();

        _shell.AnswerTables();

        Assert.Equal("220-mx ESMTP\r\n521 5.3.2 Service currently unavailable\r\n", _shell.Sent.ToString());
        Assert.True(_shell.Closed);
    }

    [Fact]
    public void Who_is_known_waits_in_silence_and_is_handed_off()
    {
        _table.Wait = LookupWait.Reading;
        _shell.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(FakeShell.UnixSeconds(24 * 60 * 60), 1, 1, 1, 1);
        _shell.Connect();
        Assert.Equal(["= look up"], _shell.Output.Skip(1));

        _shell.AnswerTables();

        Assert.Equal(["= log PASS OLD [192.0.2.7]:40000", "= hand off"], _shell.Output.Skip(2));
    }

    [Fact]
    public void Both_of_two_sessions_that_wait_are_of_a_client_that_is_known()
    {
        var second = new FakeShell(_settings, Ip.Of("192.0.2.7"), shared: _shell.Client) { Allowlist = _shell.Allowlist };
        _shell.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(FakeShell.UnixSeconds(24 * 60 * 60), 1, 1, 1, 1);
        _shell.Connect();
        second.Connect();

        _shell.AnswerTables();
        second.AnswerTables();

        Assert.Contains("= log PASS OLD [192.0.2.7]:40000", _shell.Output);
        Assert.True(second.HandedOff);
    }

    [Fact]
    public void When_no_server_takes_a_permitted_client_that_has_the_teaser_the_greeting_is_completed()
    {
        _table.Wait = LookupWait.Reading;
        _table.Answer = static _ => LookupResult.Found("permit");
        _shell.Connect();
        _shell.AnswerTables();

        _shell.FailHandoff(new HandoffFailure(CouldConnect: false, "private/smtpd", "Connection refused"));
        Assert.EndsWith("220-mx ESMTP\r\n220 mx ESMTP\r\n", _shell.Sent.ToString(), StringComparison.Ordinal);
        _shell.Receive("EHLO x\r\n"u8);

        Assert.EndsWith("421 4.3.2 No system resources\r\n", _shell.Sent.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LookupWait.Answer)]
    [InlineData(LookupWait.Reading)]
    public void A_table_that_never_answers_is_given_up_and_the_client_is_tested(LookupWait wait)
    {
        _table.Wait = wait;
        _shell.Connect();

        _shell.AdvanceTo(TimeSpan.FromMinutes(5));

        Assert.Contains("= log warning: postscreen_access_list: no answer for 192.0.2.7 in 240 s -- ignoring the remainder of this access list", _shell.Output);
        Assert.Single(_shell.Output, "S 220-mx ESMTP");
        Assert.True(_shell.HandedOff);
        _shell.Session.OnLookedUp(new TableQuestion<AccessVerdict>(static _ => AccessVerdict.Reject, AccessVerdict.Undecided) { Wait = wait, Asked = this }, null, default, new SessionActions()); // too late
    }

    [Theory]
    [InlineData(LookupWait.Answer)]
    [InlineData(LookupWait.Reading)]
    public void Who_hangs_up_meanwhile_is_gone(LookupWait wait)
    {
        _table.Wait = wait;
        _shell.Connect();
        _shell.AdvanceTo(Soon);

        _shell.HangUp();

        Assert.Equal(
            ["= log HANGUP after 0.5 from [192.0.2.7]:40000 in tests before SMTP handshake", "= log DISCONNECT [192.0.2.7]:40000", "= close"],
            _shell.Output.Skip(wait is LookupWait.Answer ? 2 : 3));
    }

    [Fact]
    public void The_end_of_the_daemon_finds_a_client_that_waits_for_a_table()
    {
        _shell.Connect();

        _shell.Shutdown();

        Assert.Equal(["S 421 4.3.2 Service currently unavailable", "= log DISCONNECT [192.0.2.7]:40000", "= close"], _shell.Output.Skip(2));
    }

    [Fact]
    public void Where_room_is_short_a_table_that_would_have_to_wait_is_not_asked()
    {
        _table.Answer = static _ => throw new InvalidOperationException("asked on the loop");

        Assert.False(EarlyLook.LetsIn(_settings, allowlist: null, Ip.Of("192.0.2.7"), default));
        Assert.True(EarlyLook.LetsIn(_settings, allowlist: null, Ip.Of("192.0.2.1"), default));
    }

    [Fact]
    public void Mynetworks_may_have_to_wait_too()
    {
        var tables = _table.Catalog();
        var mynetworks = MatchList.Parse("postscreen_access_list", "slow:it", tables, new SessionActions(), out _)!;
        var list = AccessList.Parse("permit_mynetworks, static:reject", mynetworks, null, tables, new SessionActions());
        _table.Answer = static _ => LookupResult.Found("");
        var shell = new FakeShell(_settings with { AccessList = list }, Ip.Of("192.0.2.7"));
        shell.Connect();
        Assert.Equal("= look up", shell.Output[^1]);

        shell.AnswerTables();

        Assert.True(shell.HandedOff);
    }
}

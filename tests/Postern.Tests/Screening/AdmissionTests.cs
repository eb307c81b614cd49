using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Screening;

public sealed class AdmissionTests
{
    private static readonly uint Tomorrow = FakeShell.UnixSeconds(86400);
    private static readonly Settings Plain = new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP" };

    [Fact]
    public void One_session_too_many_of_a_client_is_turned_away()
    {
        var shell = Connect(Plain with { ClientConnectionCountLimit = 2 }, concurrency: 2);

        Assert.Equal(
            ["= log NOQUEUE: reject: CONNECT from [192.0.2.7]:40000: too many connections", "S 421 4.7.0 Error: too many connections"],
            shell.Output.Skip(1).Take(2));
    }

    [Theory]
    [InlineData(1, 2, false)]
    [InlineData(1, 3, true)]
    [InlineData(3, 1, true)]
    public void Sessions_that_a_server_has_through_us_count_for_the_limit_of_the_client(int concurrency, int served, bool isTooMany)
    {
        var stranger = new FakeShell(Plain with { ClientConnectionCountLimit = 3 }, Ip.Of("192.0.2.7"), shared: State());
        var permitted = new FakeShell(Plain with { ClientConnectionCountLimit = 3, AccessList = Access("permit") }, Ip.Of("192.0.2.7"), shared: State());

        stranger.Connect();
        permitted.Connect();

        Assert.Equal(isTooMany, stranger.Output.Contains("S 421 4.7.0 Error: too many connections"));
        Assert.True(permitted.HandedOff); // it may have as many as it likes there, as with postscreen and smtpd

        ClientAddressState State() => new(Ip.Of("192.0.2.7")) { Concurrency = concurrency - 1, SessionsOfNetwork = (ushort)(concurrency + served) }; // itself, that is one more
    }

    [Fact]
    public void While_the_server_lags_behind_nobody_else_is_let_in()
    {
        var load = new ServiceLoad { PostQueue = 5 };

        var shell = Connect(Plain with { PostQueueLimit = 5 }, load: load);

        Assert.Equal(
            ["= log NOQUEUE: reject: CONNECT from [192.0.2.7]:40000: all server ports busy", "S 421 4.3.2 All server ports are busy"],
            shell.Output.Skip(1).Take(2));
    }

    [Fact]
    public void As_many_clients_as_postscreen_pre_queue_limit_less_one_are_under_test()
    {
        var load = new ServiceLoad();
        var settings = Plain with { PreQueueLimit = 10 };

        var last = Enumerable.Range(0, 10).Select(_ => Connect(settings, load: load)).ToArray()[^1];

        Assert.Contains("= log reject: connect from [192.0.2.7]:40000: all screening ports busy", last.Output);
        Assert.Contains("S 421 4.3.2 All screening ports are busy", last.Output);
    }

    [Fact]
    public void The_old_words_come_with_one_notice_when_nobody_asked_for_them()
    {
        var load = new ServiceLoad();
        var settings = Plain with { AccessList = Access("permit"), RespectfulLogging = false, RespectfulLoggingIsCompatibilityDefault = true };

        var first = Connect(settings, load: load);
        var second = Connect(settings, load: load);

        Assert.Equal(
            ["= log WHITELISTED [192.0.2.7]:40000", "= log using backwards-compatible default setting respectful_logging=no for client [192.0.2.7]:40000", "= hand off"],
            first.Output.Skip(1));
        Assert.Equal(["= log WHITELISTED [192.0.2.7]:40000", "= hand off"], second.Output.Skip(1));
    }

    [Fact]
    public void A_denylisted_client_is_not_asked_for_on_the_allowlist()
    {
        var shell = new FakeShell(Plain with { AccessList = Access("reject"), DenylistAction = FailAction.Enforce }, Ip.Of("192.0.2.7"));
        shell.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(Tomorrow, 1, 1, 1, 1);

        shell.Connect();

        Assert.Equal(["= log DENYLISTED [192.0.2.7]:40000", "S 220-mx ESMTP"], shell.Output.Skip(1));
    }

    [Fact]
    public void A_known_client_passes_the_veto_and_a_new_one_does_not()
    {
        var settings = Plain with { AllowlistInterfaces = MatchList.Parse("postscreen_allowlist_interfaces", "198.51.100.1", new TableCatalog(new FakeTextFiles()), new SessionActions(), out _)! };
        var known = new FakeShell(settings, Ip.Of("192.0.2.7"));
        known.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(Tomorrow, 1, 1, 1, 1);

        known.Connect();
        var stranger = Connect(settings);
        stranger.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.Equal(["= log PASS OLD [192.0.2.7]:40000", "= hand off"], known.Output.Skip(1));
        Assert.Equal(["= log ALLOWLIST VETO [192.0.2.7]:40000", "S 220-mx ESMTP", "S 220 mx ESMTP"], stranger.Output.Skip(1));
        Assert.False(stranger.IsOver);
    }

    [Fact]
    public void Whom_memory_does_not_know_the_store_is_asked_about()
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7")) { CanAsk = true };
        shell.Connect();
        Assert.Equal(["= ask"], shell.Output.Skip(1));
        shell.Receive("EHLO early\r\n"u8); // stays in the kernel

        shell.Answer(new TestExpiry(Tomorrow, 1, 1, 1, 1));

        Assert.Equal(["= ask", "= log PASS OLD [192.0.2.7]:40000", "= hand off"], shell.Output.Skip(1));
    }

    /// <summary>Big senders connect several times at once.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_second_connection_waits_for_the_answer_too(bool firstHears, bool secondHears)
    {
        var (client, record) = (new ClientAddressState(Ip.Of("192.0.2.7")), new TestExpiry(Tomorrow, 1, 1, 1, 1));
        var first = new FakeShell(Plain, Ip.Of("192.0.2.7"), shared: client) { CanAsk = true };
        first.Connect();
        var second = new FakeShell(Plain, Ip.Of("192.0.2.7"), shared: client) { CanAsk = true };
        second.Connect();
        Assert.Equal(["= ask"], second.Output.Skip(1));

        if (firstHears)
            first.Answer(record);
        second.Answer(secondHears ? record : null);
        if (!firstHears)
            first.Answer(null);

        Assert.Equal((true, true), (first.HandedOff, second.HandedOff));
        Assert.Contains("= log PASS OLD [192.0.2.7]:40000", second.Output);
        var third = new FakeShell(Plain, Ip.Of("192.0.2.7"), shared: client) { CanAsk = true };
        third.Connect();
        Assert.DoesNotContain("= ask", third.Output);
    }

    [Fact]
    public void The_time_that_the_store_takes_is_part_of_the_greet_wait()
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7")) { CanAsk = true };
        shell.Connect();

        shell.AdvanceTo(TimeSpan.FromMilliseconds(250));
        Assert.Equal("S 220-mx ESMTP", shell.Output[^1]);
        shell.AdvanceTo(Plain.GreetWait - TimeSpan.FromMilliseconds(1));
        Assert.False(shell.HandedOff);
        shell.AdvanceTo(Plain.GreetWait);

        Assert.True(shell.HandedOff);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_client_that_the_store_does_not_know_in_time_is_new_and_tested(bool answers)
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7")) { CanAsk = true };
        shell.Connect();

        if (answers)
            shell.Answer(null);
        else
            shell.AdvanceTo(TimeSpan.FromMilliseconds(250));
        Assert.Equal(["= ask", "S 220-mx ESMTP"], shell.Output.Skip(1));
        shell.Answer(new TestExpiry(Tomorrow, 1, 1, 1, 1)); // a second answer, or one too late
        shell.AdvanceTo(TimeSpan.FromSeconds(7));

        Assert.Equal("= log PASS NEW [192.0.2.7]:40000", shell.Output[3]);
        Assert.Equal("= hand off", shell.Output[^1]);
    }

    [Fact]
    public void A_record_that_has_expired_here_may_be_newer_in_the_store()
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7")) { CanAsk = true };
        shell.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(1000, 1, 1, 1, 1);
        shell.Connect();
        Assert.Equal(["= ask"], shell.Output.Skip(1));

        shell.Answer(null); // not even the old one

        shell.AdvanceTo(TimeSpan.FromSeconds(7));
        Assert.Contains("= log PASS OLD [192.0.2.7]:40000", shell.Output); // not new: memory knew it
    }

    [Fact]
    public void Whom_memory_knows_or_the_access_list_decides_about_the_store_is_not_asked()
    {
        var known = new FakeShell(Plain, Ip.Of("192.0.2.7")) { CanAsk = true };
        known.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(Tomorrow, 1, 1, 1, 1);
        var permitted = new FakeShell(Plain with { AccessList = Access("permit") }, Ip.Of("192.0.2.7")) { CanAsk = true };
        var refused = new FakeShell(Plain with { AccessList = Access("reject"), DenylistAction = FailAction.Enforce }, Ip.Of("192.0.2.7")) { CanAsk = true };
        var second = new FakeShell(Plain, Ip.Of("192.0.2.7"), shared: new ClientAddressState(Ip.Of("192.0.2.7")) { Concurrency = 1 }) { CanAsk = true };

        foreach (var shell in (FakeShell[])[known, permitted, refused, second])
        {
            shell.Connect();
            Assert.DoesNotContain("= ask", shell.Output);
        }
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void A_record_from_the_future_is_not_believed(uint secondsTooFar, bool isKnown)
    {
        var settings = Plain with { GreetTtl = TimeSpan.FromDays(1), BareNewlineTtl = TimeSpan.FromDays(40) };
        var record = new TestExpiry(FakeShell.UnixSeconds(40 * 86400) + secondsTooFar, 1, 1, 1, 1);
        var recalled = new FakeShell(settings, Ip.Of("192.0.2.7")) { Allowlist = { [Ip.Of("192.0.2.7")] = record } };
        var answered = new FakeShell(settings, Ip.Of("192.0.2.7")) { CanAsk = true };

        recalled.Connect();
        answered.Connect();
        answered.Answer(record);

        Assert.Equal(isKnown, recalled.HandedOff);
        Assert.Equal(isKnown, answered.HandedOff);
    }

    [Theory]
    [InlineData(-3650)]
    [InlineData(3650)]
    public void A_clock_that_is_set_changes_no_duration(int days)
    {
        var settings = Plain with { GreetAction = FailAction.Ignore, PipeliningEnable = true };
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"));
        shell.Connect();
        shell.AdvanceTo(TimeSpan.FromSeconds(2));

        shell.ClockSetBy = TimeSpan.FromDays(days);
        shell.Receive("EHLO early\r\n"u8);
        shell.AdvanceTo(TimeSpan.FromSeconds(7));
        shell.ClockSetBy = TimeSpan.Zero;
        shell.AdvanceTo(TimeSpan.FromSeconds(9));
        shell.HangUp();

        Assert.Contains("= log PREGREET 12 after 2 from [192.0.2.7]:40000: EHLO early\\r\\n", shell.Output);
        var facts = shell.Session.Facts!;
        Assert.Equal(TimeSpan.FromSeconds(2), facts.PregreetAfter);
        Assert.Equal(TimeSpan.FromSeconds(9), facts.Ended - facts.Connected);
    }

    [Theory]
    [InlineData(false, "S 450 4.3.2 Service currently unavailable")]
    [InlineData(true, "= hand off")]
    public void Nobody_is_told_to_come_back_who_would_be_forgotten_by_then(bool forgetsSoon, string answer)
    {
        var settings = Plain with { PipeliningEnable = true, BareNewlineEnable = true };
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7")) { ForgetsSoon = forgetsSoon };

        shell.Connect();
        shell.AdvanceTo(TimeSpan.FromSeconds(6));
        shell.Receive("EHLO a\r\n"u8);
        shell.Receive("MAIL FROM:<a@a.example>\r\n"u8);
        shell.Receive("RCPT TO:<b@b.example>\r\n"u8);

        Assert.Contains(answer, shell.Output);
        Assert.Equal(forgetsSoon, shell.HandedOff);
    }

    [Fact]
    public void Who_fails_the_tests_before_the_greeting_takes_those_after_it_whatever_is_forgotten()
    {
        var settings = Plain with { PipeliningEnable = true, GreetAction = FailAction.Enforce };
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7")) { ForgetsSoon = true };

        shell.Connect();
        shell.Receive("EHLO early\r\nMAIL FROM:<a@a.example>\r\n"u8);
        shell.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.False(shell.HandedOff);
        Assert.Contains(shell.Output, static line => line.StartsWith("= log COMMAND PIPELINING", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "S 220-4mx ESMTP", "S 220 4banner")]
    [InlineData(false, "S 220-5mx ESMTP", "S 220 5banner")]
    public void Soft_bounce_looks_at_the_fifth_byte_of_the_greeting_too(bool softBounce, string teaser, string greeting)
    {
        var settings = Plain with { SoftBounce = softBounce, GreetBanner = "5mx ESMTP", Banner = "5banner", PipeliningEnable = true };
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"));

        shell.Connect();
        shell.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.Equal([teaser, greeting], shell.Output.Skip(1));
    }

    [Fact]
    public void The_end_of_the_daemon_finds_a_client_that_waits_for_the_store()
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7")) { CanAsk = true };
        shell.Connect();

        shell.Shutdown();

        Assert.Equal(["= ask", "S 421 4.3.2 Service currently unavailable", "= log DISCONNECT [192.0.2.7]:40000", "= close"], shell.Output.Skip(1));
    }

    private static AccessList Access(string text) => AccessList.Parse(text, MatchList.Everything, null, new TableCatalog(new FakeTextFiles()), new SessionActions());

    private static FakeShell Connect(Settings settings, int concurrency = 0, ServiceLoad? load = null)
    {
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"), load, new ClientAddressState(Ip.Of("192.0.2.7")) { Concurrency = concurrency });
        shell.Connect();
        return shell;
    }
}

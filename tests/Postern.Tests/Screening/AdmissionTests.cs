using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Screening;

public sealed class AdmissionTests
{
    private static readonly Settings Plain = new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP" };

    [Fact]
    public void One_session_too_many_of_a_client_is_turned_away()
    {
        var shell = Connect(Plain with { ClientConnectionCountLimit = 2 }, concurrency: 2);

        Assert.Equal(
            ["= log NOQUEUE: reject: CONNECT from [192.0.2.7]:40000: too many connections", "S 421 4.7.0 Error: too many connections"],
            shell.Output.Skip(1).Take(2));
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
        shell.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(uint.MaxValue, 1, 1, 1, 1);

        shell.Connect();

        Assert.Equal(["= log DENYLISTED [192.0.2.7]:40000", "S 220-mx ESMTP"], shell.Output.Skip(1));
    }

    [Fact]
    public void A_known_client_passes_the_veto_and_a_new_one_does_not()
    {
        var settings = Plain with { AllowlistInterfaces = MatchList.Parse("postscreen_allowlist_interfaces", "198.51.100.1", new TableCatalog(new FakeTextFiles()), new SessionActions(), out _)! };
        var known = new FakeShell(settings, Ip.Of("192.0.2.7"));
        known.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(uint.MaxValue, 1, 1, 1, 1);

        known.Connect();
        var stranger = Connect(settings);
        stranger.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.Equal(["= log PASS OLD [192.0.2.7]:40000", "= hand off"], known.Output.Skip(1));
        Assert.Equal(["= log ALLOWLIST VETO [192.0.2.7]:40000", "S 220-mx ESMTP", "S 220 mx ESMTP"], stranger.Output.Skip(1));
        Assert.False(stranger.IsOver);
    }

    private static AccessList Access(string text) => AccessList.Parse(text, MatchList.Everything, new TableCatalog(new FakeTextFiles()), new SessionActions());

    private static FakeShell Connect(Settings settings, int concurrency = 0, ServiceLoad? load = null)
    {
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"), load, new ClientAddressState(Ip.Of("192.0.2.7")) { Concurrency = concurrency });
        shell.Connect();
        return shell;
    }
}

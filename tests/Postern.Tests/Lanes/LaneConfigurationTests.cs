using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Tests.Config;

namespace Postern.Tests.Lanes;

public sealed class LaneConfigurationTests
{
    private const string Base = "compatibility_level = 3.6\npostscreen_greet_action = enforce\n";

    [Fact]
    public void Nothing_is_slow_until_it_is_asked_for()
    {
        Assert.Null(Lanes(Base));
        Assert.Null(Lanes(Base + "postscreen_greet_wait = 30s\npostern_slow_lane_keepalive = 10s\npostern_rdns_generic_maps = inline:{{.pool.example = x}}\n"));
        Assert.Null(Lanes(Base + "postern_greet_wait_generic = $postscreen_greet_wait\n"));
    }

    [Fact]
    public void Starpit_is_85_seconds_for_all_three_and_closed_under_stress()
    {
        var lanes = Lanes(Base + "postern_starpit = yes\n")!;

        Assert.Equal(new LaneWaits(Seconds(85), Seconds(85), Seconds(85)), lanes.Waits);
        Assert.Equal(default, lanes.WaitsUnderStress);
        Assert.Equal((5000, TimeSpan.Zero, null), (lanes.Limit, lanes.Keepalive, lanes.Targrey));
        Assert.Equal(BigSenders.All.Count, lanes.Rules.BigSenders!.Count);
    }

    [Fact]
    public void What_is_set_goes_before_the_preset()
    {
        var lanes = Lanes(Base + "postern_starpit = yes\npostern_greet_wait_none = ${stress?{10}:{125}}s\npostern_greet_wait_unconfirmed = $postscreen_greet_wait\n")!;

        Assert.Equal(new LaneWaits(Seconds(85), Seconds(6), Seconds(125)), lanes.Waits);
        Assert.Equal(new LaneWaits(default, Seconds(2), Seconds(10)), lanes.WaitsUnderStress);
    }

    [Fact]
    public void A_service_may_have_lanes_of_its_own()
    {
        var configuration = new ConfigDirectory(
            Base, "smtp inet n - n - 1 postscreen\n2525 inet n - n - 1 postscreen\n -o postern_starpit=yes\nsmtpd pass - - n - - smtpd\n").Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal([false, true], configuration.Services.Select(static service => service.Settings.Lanes is not null));
    }

    [Fact]
    public void Targrey_has_its_numbers()
    {
        var lanes = Lanes(Base + "postern_starpit = yes\npostern_targrey = yes\npostern_targrey_delay = 2m\npostern_targrey_retry_count = 2\npostern_targrey_retry_window = 1d\n")!;

        Assert.Equal(new TargreySettings(Seconds(120), 2, TimeSpan.FromDays(1)), lanes.Targrey);
    }

    [Fact]
    public void Tables_match_in_any_letter_case()
    {
        var lanes = Lanes(Base + "postern_starpit = yes\npostern_rdns_server_maps = inline:{{.Partner.Example = x}}\n")!;

        Assert.Equal(RdnsReason.ServerMap, lanes.Rules.Classify(new(ReverseNameStatus.Confirmed, "adsl1.partner.example"), new RecordedWarnings()).Reason);
    }

    [Theory]
    [InlineData("postern_greet_wait_generic = 3s\n", "postern_greet_wait_generic has no effect: it is shorter than postscreen_greet_wait, 6s")]
    [InlineData("postern_targrey = yes\n", "postern_targrey has no effect without a slow lane")]
    [InlineData("postern_starpit = yes\npostern_rdns_big_senders =\n", "nothing lets honest servers with names like those of end users past the slow lanes")]
    [InlineData("postern_starpit = yes\npostscreen_greet_banner =\n", "slow lanes have no effect: they are part of the pregreet test, which an empty postscreen_greet_banner switches off")]
    [InlineData("postern_starpit = yes\npostern_slow_lane_keepalive = 85s\n", "postern_slow_lane_keepalive has no effect: no slow lane lasts longer")]
    public void Doubtful_lanes_are_warned_of(string lines, string warning)
    {
        var problem = Assert.Single(new ConfigDirectory(Base + lines).Load().Problems);

        Assert.Equal((ProblemSeverity.Warning, warning), (problem.Severity, problem.Text));
        Assert.InRange(problem.Line, 3, 4);
    }

    [Fact]
    public void A_lane_that_talking_opens_is_warned_of()
    {
        var problem = Assert.Single(new ConfigDirectory("compatibility_level = 3.6\npostern_starpit = yes\n").Load().Problems);

        Assert.Equal((ProblemSeverity.Warning, "a client that talks in a slow lane gets out of it, since postscreen_greet_action is ignore"), (problem.Severity, problem.Text));
    }

    [Theory]
    [InlineData("postern_rdns_server_maps = inline:{{.example = x}}\n")]
    [InlineData("postscreen_dnsbl_sites = list.example*-1\npostscreen_dnsbl_allowlist_threshold = -1\n")]
    public void One_protection_is_enough(string lines) =>
        Assert.Empty(new ConfigDirectory(Base + "postern_starpit = yes\npostern_rdns_big_senders =\n" + lines).Load().Problems);

    [Theory]
    [InlineData("postern_greet_wait_generic = 241s\n")]
    [InlineData("postern_greet_wait_none = soon\n")]
    [InlineData("postern_slow_lane_limit = 0\n")]
    [InlineData("postern_rdns_big_senders = example.com, bad..example\n")]
    public void What_cannot_be_is_an_error(string line) =>
        Assert.Contains(new ConfigDirectory(Base + line).Load().Problems, static problem => problem.Severity is ProblemSeverity.Error && problem.Line == 3);

    private static LaneSettings? Lanes(string main)
    {
        var configuration = new ConfigDirectory(main).Load();
        Assert.Empty(configuration.Problems);
        return configuration.Services[0].Settings.Lanes;
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}

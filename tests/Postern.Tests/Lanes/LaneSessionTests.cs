using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;
using Postern.Tests.Screening;

namespace Postern.Tests.Lanes;

/// <summary>What sessions in slow lanes do to each other: limits, stress, and coming back after a hang-up.</summary>
public sealed class LaneSessionTests
{
    private static readonly ReverseName Generic = new(ReverseNameStatus.Confirmed, "adsl12.isp.example");
    private static readonly IpAddress Address = Ip.Of("192.0.2.7");
    private static readonly TimeSpan End = TimeSpan.FromDays(1);

    private static readonly Settings WithLanes = new()
    {
        GreetAction = FailAction.Enforce,
        Lanes = new LaneSettings
        {
            Waits = new(TimeSpan.FromSeconds(85), TimeSpan.FromSeconds(45), TimeSpan.FromSeconds(30)),
            WaitsUnderStress = new(TimeSpan.FromSeconds(15), TimeSpan.Zero, TimeSpan.Zero),
        },
    };

    private static readonly Settings WithTargrey = WithLanes with
    {
        Lanes = WithLanes.Lanes! with { Targrey = new(TimeSpan.FromSeconds(60), 1, TimeSpan.FromDays(2)) },
    };

    [Theory]
    [InlineData(ReverseNameStatus.Confirmed, "adsl12.isp.example", 85)]
    [InlineData(ReverseNameStatus.Unconfirmed, "mail.example.com", 45)]
    [InlineData(ReverseNameStatus.None, "", 30)]
    [InlineData(ReverseNameStatus.Confirmed, "mail.example.com", 6)]
    [InlineData(ReverseNameStatus.Failed, "", 6)]
    public void Each_class_has_its_wait(ReverseNameStatus status, string name, int seconds)
    {
        var shell = Begin(WithLanes, new ServiceLoad(), new ReverseName(status, name));

        shell.AdvanceTo(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.False(shell.IsOver);
        shell.AdvanceTo(TimeSpan.FromSeconds(seconds));

        Assert.True(shell.HandedOff);
    }

    [Fact]
    public void Without_lanes_nobody_is_asked_about_his_name()
    {
        var shell = Begin(WithLanes with { Lanes = null }, new ServiceLoad(), name: null);

        Assert.False(shell.AsksName);
    }

    [Fact]
    public void A_known_client_is_not_asked_about()
    {
        var known = new FakeShell(WithLanes, Address);
        known.Allowlist[Address] = new(FakeShell.UnixSeconds(60), 1, 1, 1, 1);
        known.Connect();

        Assert.True(known.HandedOff);
        Assert.False(known.AsksName);
    }

    [Fact]
    public void Without_the_pregreet_test_there_is_no_lane()
    {
        var shell = Begin(WithLanes with { GreetBanner = "" }, new ServiceLoad(), name: null);

        Assert.False(shell.AsksName);
        Assert.True(shell.HandedOff);
    }

    [Fact]
    public void Beyond_the_limit_everybody_waits_as_usual()
    {
        var load = new ServiceLoad();
        var settings = WithLanes with { Lanes = WithLanes.Lanes! with { Limit = 2 } };
        var shells = Enumerable.Range(0, 3).Select(i => Begin(settings, load, Generic, IpAddress.FromIPv4(0xc0000201 + (uint)i))).ToList();

        shells.ForEach(static shell => shell.AdvanceTo(TimeSpan.FromSeconds(6)));

        Assert.Equal([false, false, true], shells.Select(static shell => shell.HandedOff));
        Assert.Contains(shells[2].Output, static line => line == "= postern LANE FULL [192.0.2.3]:40000 generic rule=6 wait=85");
        Assert.Equal(2, load.Lanes.Standing);
        shells.ForEach(static shell => shell.AdvanceTo(End));
        Assert.Equal(0, load.Lanes.Standing);
        Assert.Equal("generic class=3 enter=2 waited=2 full=1", load.Lanes.Describe());
        Assert.Null(new LaneTraffic().Describe());
        Assert.Equal((2, 2, 1), (load.Lanes.Count(RdnsKind.Generic, LaneEvent.Enter), load.Lanes.Count(RdnsKind.Generic, LaneEvent.Waited), load.Lanes.Count(RdnsKind.Generic, LaneEvent.Full)));
    }

    [Fact]
    public void The_daemons_room_is_a_limit_too()
    {
        var load = new ServiceLoad();
        load.Lanes.Room = 0;
        var shell = Begin(WithLanes, load, Generic);

        shell.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.True(shell.HandedOff);
    }

    [Theory]
    [InlineData(ReverseNameStatus.Confirmed, 15)] // shortened
    [InlineData(ReverseNameStatus.None, 2)] // closed
    public void Stress_shortens_or_closes_a_lane(ReverseNameStatus status, int seconds)
    {
        var load = UnderStress();
        var shell = Begin(WithLanes, load, new ReverseName(status, status is ReverseNameStatus.None ? "" : Generic.Name));

        shell.AdvanceTo(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.False(shell.IsOver);
        shell.AdvanceTo(TimeSpan.FromSeconds(seconds));

        Assert.True(shell.HandedOff);
        Assert.Equal(seconds == 2, shell.Output.Contains("= postern LANE CLOSED [192.0.2.7]:40000 none rule=0 wait=2"));
    }

    [Fact]
    public void Who_stands_in_a_lane_brings_no_stress_and_takes_nobodys_place()
    {
        var load = new ServiceLoad();
        var settings = WithLanes with { PreQueueLimit = 10 };
        for (var i = 0u; i < 50; i++)
            Begin(settings, load, Generic, IpAddress.FromIPv4(0xc0000201 + i)).AdvanceTo(TimeSpan.FromSeconds(6));

        var shell = Begin(settings, load, new ReverseName(ReverseNameStatus.Confirmed, "mail.example.com"));
        shell.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.Equal((50, 51, 1), (load.Lanes.Standing, load.CheckQueue, load.OutsideLanes));
        Assert.False(load.UnderStress);
        Assert.True(shell.HandedOff);
    }

    [Fact]
    public void Whoever_the_daemon_lets_go_of_leaves_the_lane()
    {
        var load = new ServiceLoad();
        var shell = Begin(WithLanes, load, Generic);
        shell.AdvanceTo(TimeSpan.FromSeconds(10));
        Assert.Equal(1, load.Lanes.Standing);

        shell.Shutdown();
        shell.Session.OnGone();
        shell.Session.OnGone();

        Assert.Equal(0, load.Lanes.Standing);
        Assert.Equal(1, load.Lanes.Count(RdnsKind.Generic, LaneEvent.Stopped));
    }

    [Fact]
    public void Who_hung_up_in_the_lane_is_answered_with_450_when_he_comes_back_and_let_in_the_next_time()
    {
        var load = new ServiceLoad();
        HangUpInLane(load);

        var returned = Begin(WithTargrey, load, Generic, start: TimeSpan.FromSeconds(90));
        returned.AdvanceTo(TimeSpan.FromSeconds(96));
        returned.Receive("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nQUIT\r\n"u8);
        var again = Begin(WithTargrey, load, Generic, start: TimeSpan.FromSeconds(400));
        again.AdvanceTo(TimeSpan.FromSeconds(406));

        Assert.Contains("S 450 4.7.1 Service currently unavailable; please try again later", returned.Output);
        Assert.Contains("= postern LANE GREYLISTED [192.0.2.7]:40000 generic rule=6 wait=85 after=90 refusals=1", returned.Output);
        Assert.Equal((ScreeningCause.Greylisted, RdnsKind.Generic), (returned.Session.Facts!.Causes, returned.Session.Facts.Rdns!.Value.Kind));
        Assert.Contains(returned.Output, static line => line.StartsWith("= log NOQUEUE: reject: RCPT from [192.0.2.7]:40000: 450 4.7.1 ", StringComparison.Ordinal));
        Assert.DoesNotContain(returned.Output, static line => line.Contains("PASS", StringComparison.Ordinal));
        Assert.Empty(returned.Allowlist);
        Assert.True(again.HandedOff);
        Assert.Contains("= postern LANE RETURNED [192.0.2.7]:40000 generic rule=6 wait=85 after=400 refusals=1", again.Output);
        Assert.NotEmpty(again.Allowlist);
    }

    [Theory]
    [InlineData("QUIT\r\n", 1)]
    [InlineData("quit\r\n", 1)]
    [InlineData("EHLO x\r\n", 0)]
    [InlineData("QUITE\r\n", 0)]
    public void Leaving_with_QUIT_is_hanging_up(string talk, int remembered)
    {
        var load = new ServiceLoad();
        var shell = Begin(WithTargrey, load, Generic);
        shell.AdvanceTo(TimeSpan.FromSeconds(20));

        shell.Receive(Encoding.Latin1.GetBytes(talk));

        Assert.Equal(remembered, load.Lanes.Hangups.Count);
        Assert.Equal(1, load.Lanes.Count(RdnsKind.Generic, remembered == 1 ? LaneEvent.Quit : LaneEvent.Pregreet));
        Assert.Equal(0, load.Lanes.Standing);
    }

    [Fact]
    public void Who_waits_out_a_lane_is_remembered_as_a_pass()
    {
        var load = new ServiceLoad();
        var patient = Begin(WithTargrey, load, Generic);
        patient.AdvanceTo(TimeSpan.FromSeconds(10));
        HangUpInLane(load); // another session of the network gives up meanwhile
        patient.AdvanceTo(TimeSpan.FromSeconds(85));

        Assert.True(patient.HandedOff);
        Assert.Equal(FakeShell.UnixSeconds(85 + 86400), patient.Allowlist[Address].Pregreet);
        Assert.Equal(0, load.Lanes.Hangups.Count);
    }

    [Fact]
    public void Whoever_is_known_to_be_a_server_or_may_be_one_is_not_greylisted()
    {
        foreach (var name in new[] { new ReverseName(ReverseNameStatus.Confirmed, "mail.example.com"), ReverseName.Failed })
        {
            var load = new ServiceLoad();
            HangUpInLane(load);
            var shell = Begin(WithTargrey, load, name, start: TimeSpan.FromSeconds(90));

            shell.AdvanceTo(TimeSpan.FromSeconds(96));

            Assert.True(shell.HandedOff);
        }
    }

    [Fact]
    public void Hanging_up_before_the_lane_or_without_taRgrey_has_no_consequence()
    {
        var load = new ServiceLoad();
        var hasty = Begin(WithTargrey, load, Generic);
        hasty.AdvanceTo(TimeSpan.FromSeconds(3));
        hasty.HangUp();
        HangUpInLane(load, WithLanes);

        Assert.Equal(0, load.Lanes.Hangups.Count);
        Assert.Contains("= postern LANE HANGUP [192.0.2.7]:40000 generic rule=6 wait=85 after=3", hasty.Output);
    }

    private static void HangUpInLane(ServiceLoad load, Settings? settings = null)
    {
        var shell = Begin(settings ?? WithTargrey, load, Generic);
        shell.AdvanceTo(TimeSpan.FromSeconds(20));
        shell.HangUp();
    }

    private static FakeShell Begin(Settings settings, ServiceLoad load, ReverseName? name, IpAddress? address = null, TimeSpan start = default)
    {
        var shell = new FakeShell(settings, address ?? Address, load);
        shell.AdvanceTo(start);
        shell.Connect();
        if (name is { } known)
            shell.TellName(known);
        return shell;
    }

    private static ServiceLoad UnderStress()
    {
        var load = new ServiceLoad();
        for (var i = 0; i < 90; i++)
            load.ClientArrived(new Settings(), new SessionActions());
        Assert.True(load.UnderStress);
        return load;
    }
}

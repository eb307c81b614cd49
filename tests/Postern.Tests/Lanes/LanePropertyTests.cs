using System.Text;
using CsCheck;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Screening;
using Postern.Tests.Screening;

namespace Postern.Tests.Lanes;

/// <summary>What holds in slow lanes, whatever happens in whatever order.</summary>
public sealed class LanePropertyTests
{
    private static readonly Gen<(double Pause, int What)[]> Steps = Gen.Select(Gen.Double[0, 60], Gen.Int[0, 12]).Array[0, 8];

    [Fact]
    public void Every_session_ends_leaves_its_lane_and_is_never_refused_for_its_name() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[0, 120], Gen.Int[0, 40], Gen.Bool, Gen.Select(Steps, Steps, Steps)).Sample(
            (status, action, wait, keepalive, targrey, sessions) =>
            {
                var load = new ServiceLoad();
                var settings = new Settings
                {
                    GreetAction = (FailAction)action,
                    Lanes = new LaneSettings
                    {
                        Waits = new(Seconds(wait), Seconds(wait), Seconds(wait)),
                        Keepalive = Seconds(keepalive),
                        Targrey = targrey ? new(Seconds(60), 1, Seconds(1000)) : null,
                    },
                };
                foreach (var steps in new[] { sessions.Item1, sessions.Item2, sessions.Item3 })
                    Play(new FakeShell(settings, Ip.Of("192.0.2.7"), load), steps, (ReverseNameStatus)status, targrey);

                Assert.Equal(0, load.Lanes.Standing);
            });

    private static void Play(FakeShell shell, (double Pause, int What)[] steps, ReverseNameStatus status, bool targrey)
    {
        var (talked, gone) = (false, false);
        shell.Connect();
        foreach (var (pause, what) in steps)
        {
            shell.AdvanceTo(shell.Now + TimeSpan.FromSeconds(pause));
            if (shell.IsOver)
                break;
            switch (what)
            {
                case 0:
                    gone = true;
                    shell.HangUp();
                    break;
                case 1:
                    talked = true;
                    shell.Receive(Encoding.Latin1.GetBytes("EHLO x\r\n"));
                    break;
                case < 6:
                    shell.TellName(new ReverseName(status, status is ReverseNameStatus.Confirmed ? "adsl12.isp.example" : ""));
                    break;
            }
        }

        shell.AdvanceTo(shell.Now + TimeSpan.FromDays(1));

        Assert.True(shell.IsOver);
        Assert.False(shell.HandedOff && shell.HasRead);
        if (!talked && !gone && !targrey)
            Assert.True(shell.HandedOff); // by its name alone nobody is refused
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}

using Postern.Core.Config;
using Postern.Loop;

namespace Postern.Tests.Loop;

/// <summary>A loop that is stuck is noticed, one that waits or stood still with the whole process is not.</summary>
public sealed class WatchdogTests
{
    private const long Waiting = 0;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(9);
    private static readonly TimeSpan OnTime = TimeSpan.FromSeconds(3.1);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(11.5);

    private readonly Watchdog.Patience _patience = new(Timeout);

    [Fact]
    public void A_round_that_outlasts_the_timeout_is_too_long() =>
        Assert.Equal([false, false, false, true], Look((7, OnTime), (7, OnTime), (7, OnTime), (7, OnTime)));

    [Fact]
    public void Progress_begins_the_time_anew() =>
        Assert.Equal([false, false, false, false, false, false], Look((7, OnTime), (7, OnTime), (7, OnTime), (8, OnTime), (8, OnTime), (8, OnTime)));

    [Fact]
    public void A_loop_that_waits_may_do_so_for_ever() =>
        Assert.Equal([false, false, false, false, false], Look((Waiting, OnTime), (Waiting, OnTime), (Waiting, OnTime), (Waiting, OnTime), (Waiting, OnTime)));

    [Fact]
    public void A_pause_of_the_whole_process_does_not_count() // SIGSTOP in the middle of a round, over and over
        => Assert.Equal([false, false, false, false, false], Look((7, OnTime), (7, Late), (7, Late), (7, Late), (8, OnTime)));

    [Fact]
    public void A_round_that_was_stuck_before_a_pause_and_is_after_it_is_too_long() =>
        Assert.Equal([false, false, false, false, true], Look((7, OnTime), (7, OnTime), (7, Late), (7, OnTime), (7, OnTime)));

    [Fact]
    public void It_bites_when_a_real_loop_is_stuck()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(new Settings(), server.Path);
        using var release = new ManualResetEventSlim();
        using var bitten = new ManualResetEventSlim();
        LoopHarness.Until(() => harness.Loop.Round == Waiting, "the loop never waits");

        harness.Loop.Post(() => release.Wait(30_000));
        using var watchdog = new Watchdog(harness.Loop, TimeSpan.FromMilliseconds(600), bitten.Set);

        Assert.True(bitten.Wait(30_000, TestContext.Current.CancellationToken));
        release.Set();
    }

    private bool[] Look(params (long Round, TimeSpan SinceLastLook)[] looks) => [.. looks.Select(look => _patience.IsOver(look.Round, look.SinceLastLook))];
}

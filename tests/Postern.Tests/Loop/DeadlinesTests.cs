using CsCheck;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Handoff;
using Postern.Loop;

namespace Postern.Tests.Loop;

public sealed class DeadlinesTests
{
    private static readonly RunningService Service =
        new() { Name = "smtp", Settings = new Settings(), Allowlist = null, Handoff = new DescriptorPassing("/nowhere", "nowhere") };

    [Fact]
    public void Every_deadline_comes_once_not_early_and_at_most_a_tick_late() => Gen.Select(
        Gen.Int[0, 30_000].Array[1, 50], Gen.Int[1, 3000].Array[1, 60], Gen.Int[0, 100_000]).Sample((delays, steps, start) =>
    {
        var deadlines = new Deadlines(start);
        var pending = delays.ToDictionary(_ => NewClient(), delay => (long)start + delay);
        foreach (var (client, deadline) in pending)
            deadlines.Set(client, deadline);

        long now = start;
        foreach (var step in steps.Append(40_000))
        {
            now += step;
            while (deadlines.TryTakeDue(now, out var due))
            {
                Assert.True(pending.Remove(due, out var deadline));
                Assert.True(deadline <= now);
            }

            Assert.DoesNotContain(pending.Values, deadline => deadline + 10 <= now);
        }

        Assert.Empty(pending);
        Assert.Equal(-1, deadlines.UntilNext(now));
    });

    [Fact]
    public void The_loop_never_sleeps_past_a_deadline() => Gen.Select(Gen.Int[0, 60_000], Gen.Int[0, 100_000]).Sample((delay, start) =>
    {
        var deadlines = new Deadlines(start);
        deadlines.Set(NewClient(), start + delay);

        long now = start;
        while (!deadlines.TryTakeDue(now, out _))
            now += Math.Max(1, deadlines.UntilNext(now));

        Assert.InRange(now, start + delay, start + delay + 20);
    });

    [Fact]
    public void A_deadline_that_is_set_again_or_cleared_does_not_come()
    {
        var deadlines = new Deadlines(0);
        var (moved, cleared, beside) = (NewClient(), NewClient(), NewClient());
        deadlines.Set(moved, 50);
        deadlines.Set(cleared, 50);
        deadlines.Set(beside, 50);

        deadlines.Set(moved, 500);
        deadlines.Clear(cleared);

        Assert.True(deadlines.TryTakeDue(100, out var due));
        Assert.Same(beside, due);
        Assert.False(deadlines.TryTakeDue(100, out _));
        Assert.True(deadlines.TryTakeDue(510, out due));
        Assert.Same(moved, due);
    }

    private static Client NewClient() =>
        new(-1, Service, new Session(Service.Settings, Service.Load, new ClientAddressState(default), 0, new Endpoint(default, 25)));
}

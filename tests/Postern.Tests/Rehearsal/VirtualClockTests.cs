using Postern.Rehearsal;

namespace Postern.Tests.Rehearsal;

public sealed class VirtualClockTests
{
    [Fact]
    public void It_moves_when_it_is_told_to_and_never_back()
    {
        var clock = new VirtualClock();
        var (start, before) = (clock.GetUtcNow(), clock.GetTimestamp());

        clock.AdvanceTo(TimeSpan.FromHours(2));
        clock.AdvanceTo(TimeSpan.FromHours(1));

        Assert.Equal(start.AddHours(2), clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromHours(2), clock.GetElapsedTime(before));
    }

    [Fact]
    public void A_timer_fires_once_when_its_time_has_come_and_a_disposed_one_does_not()
    {
        var clock = new VirtualClock();
        var fired = new List<string>();
        using var one = clock.CreateTimer(_ => fired.Add("one"), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        clock.CreateTimer(_ => fired.Add("gone"), null, TimeSpan.FromSeconds(3), Timeout.InfiniteTimeSpan).Dispose();
        using var never = clock.CreateTimer(_ => fired.Add("never"), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Assert.Equal(TimeSpan.FromSeconds(5), clock.NextTimer);

        clock.AdvanceTo(TimeSpan.FromSeconds(4));
        Assert.Empty(fired);
        clock.AdvanceTo(TimeSpan.FromSeconds(5));
        clock.AdvanceTo(TimeSpan.FromSeconds(50));

        Assert.Equal(["one"], fired);
        Assert.Null(clock.NextTimer);
    }

    [Fact]
    public void A_cancellation_waits_for_it()
    {
        var clock = new VirtualClock();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5), clock);

        clock.AdvanceTo(TimeSpan.FromMinutes(4));
        Assert.False(patience.IsCancellationRequested);
        clock.AdvanceTo(TimeSpan.FromMinutes(5));

        Assert.True(patience.IsCancellationRequested);
    }

    [Fact]
    public void The_agenda_keeps_the_order_of_time_and_then_of_notes()
    {
        var agenda = new Agenda();
        var done = new List<int>();
        agenda.Add(TimeSpan.FromSeconds(2), () => done.Add(3));
        agenda.Add(TimeSpan.FromSeconds(1), () => done.Add(1));
        agenda.Add(TimeSpan.FromSeconds(1), () => done.Add(2));
        agenda.Add(TimeSpan.FromSeconds(3), () => done.Add(4));

        agenda.Run(TimeSpan.FromSeconds(2));

        Assert.Equal([1, 2, 3], done);
        Assert.Equal(TimeSpan.FromSeconds(3), agenda.Next);
    }
}

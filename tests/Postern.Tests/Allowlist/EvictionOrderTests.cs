using Postern.Core.Allowlist;

namespace Postern.Tests.Allowlist;

public sealed class EvictionOrderTests
{
    private const uint Now = 1_800_000_000, Day = 86_400;
    private static readonly PassLifetimes Lifetimes = new(TimeSpan.FromDays(1), TimeSpan.FromHours(1), TimeSpan.FromDays(30), TimeSpan.FromDays(20), TimeSpan.FromDays(10));

    [Fact]
    public void Nothing_that_is_on_was_passed_then_long_expired_then_soon_to_expire_then_those_that_are_on_their_way()
    {
        TestExpiry[] expected =
        [
            new(0, Now, 1, 1, 1), // never passed all that is on
            new(Now - 9 * Day, Now + 100, 1, 1, 1),
            new(Now - 9 * Day, Now + 200, 1, 1, 1), // the other test decides between the two
            new(Now + 100, Now - Day, 1, 1, 1),
            new(Now + 10, Now + 20, 1, 1, 1),
            new(Now + 20, Now + 10 + 1, 1, 1, 1),
        ];

        Assert.Equal(expected, Sorted(new EnabledTests(true, true, false, false, false), expected));
    }

    [Fact]
    public void Who_was_told_to_come_back_within_a_day_goes_last_by_the_time_when_it_was_told()
    {
        TestExpiry[] expected =
        [
            new(Now + 400, 1, Now + 31 * Day, 1, 1), // from the future
            new(Now + 300, 1, Now + 29 * Day - 1, 1, 1), // told longer ago than a day
            new(Now - 9 * Day, 1, Now + 29 * Day, Now + 19 * Day, 1),
            new(Now + 100, 1, Now + 29 * Day + 60, 1, 1),
            new(Now - 9 * Day, 1, 1, Now + 20 * Day - 60, 1),
            new(Now + 100, 1, Now + 30 * Day, 1, 1),
        ];
        var tests = new EnabledTests(true, false, true, true, false);
        var order = Order(tests);

        Assert.Equal(expected, Sorted(tests, expected));
        Assert.Equal([false, false, true, true, true, true], expected.Select(record => EvictionOrder.IsAwaited(order.RankOf(record))));
    }

    [Fact]
    public void Tests_that_are_off_say_nothing()
    {
        var order = Order(default);

        Assert.Equal(order.RankOf(default), order.RankOf(new TestExpiry(Now, Now + Day, Now + 30 * Day, Now + 20 * Day, Now + 10 * Day)));
    }

    private static EvictionOrder Order(EnabledTests tests) => new(tests, Lifetimes, DateTimeOffset.FromUnixTimeSeconds(Now));

    private static IEnumerable<TestExpiry> Sorted(EnabledTests tests, TestExpiry[] records) => records.Reverse().OrderBy(record => Order(tests).RankOf(record));
}

using Postern.Core.Allowlist;

namespace Postern.Tests.Allowlist;

public sealed class ExpiryRulesTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly EnabledTests All = new(true, true, true, true, true);
    private static readonly EnabledTests PregreetAndDnsbl = new(true, true, false, false, false);

    [Fact]
    public void A_test_is_due_when_now_is_later_than_its_expiry()
    {
        var expiry = new TestExpiry(1_800_000_000, 1_799_999_999, 1_800_000_001, 0, 1);

        Assert.Equal(new EnabledTests(false, true, false, true, true), ExpiryRules.Due(expiry, All, Now));
        Assert.True(ExpiryRules.Due(expiry, All, Now.AddSeconds(1)).Pregreet);
        Assert.False(ExpiryRules.Due(expiry, All, Now.AddMilliseconds(999)).Pregreet);
    }

    [Fact]
    public void A_disabled_test_is_never_due()
    {
        Assert.False(ExpiryRules.Due(default, default, Now).Any);
        Assert.Equal(PregreetAndDnsbl, ExpiryRules.Due(default, PregreetAndDnsbl, Now));
    }

    [Fact]
    public void Cleanup_drops_a_record_once_one_enabled_test_is_past_its_retention()
    {
        var week = TimeSpan.FromDays(7);
        var edge = CacheRecord.Seconds(Now - week);

        Assert.True(ExpiryRules.SurvivesCleanup(new(edge, edge, 1, 1, 1), PregreetAndDnsbl, Now, week));
        Assert.False(ExpiryRules.SurvivesCleanup(new(edge, edge - 1, 1, 1, 1), PregreetAndDnsbl, Now, week));
        Assert.False(ExpiryRules.SurvivesCleanup(new(edge, 0, 1, 1, 1), PregreetAndDnsbl, Now, week));
        Assert.False(ExpiryRules.SurvivesCleanup(new(edge, edge, 1, 1, 1), All, Now, week)); // newly enabled tests
        Assert.True(ExpiryRules.SurvivesCleanup(default, default, Now, week));
    }

    [Fact]
    public void A_disabled_test_that_was_never_passed_is_written_as_1()
    {
        Assert.Equal(new TestExpiry(0, 7, 1, 9, 1), ExpiryRules.ForRecord(new(0, 7, 0, 9, 0), PregreetAndDnsbl));
    }

    [Fact]
    public void What_lies_further_ahead_than_any_pass_counts_is_due()
    {
        const uint Horizon = 1_800_000_000 + 86_400;

        Assert.Equal(new TestExpiry(Horizon, 1, 1, 0, 5), ExpiryRules.Believed(new(Horizon, Horizon + 1, uint.MaxValue, 0, 5), TimeSpan.FromDays(1), Now));
    }
}

using CsCheck;
using Postern.Core.Allowlist;

namespace Postern.Tests.Allowlist;

/// <summary>Writes that come late, or from somebody who could not ask.</summary>
public sealed class MergeTests
{
    private const uint Horizon = 10_000;

    [Theory]
    [InlineData("500;900;1;0;1", "-", "600;0;0;0;0", "600;900;0;0;0")] // was not asked, and passed the first test
    [InlineData("500;900;1;0;1", "-", "400;1;1;1;1", "500;900;1;1;1")] // a write that comes late
    [InlineData("500;900;1;0;1", "500;900;1;0;1", "600;1;1;0;1", "600;1;1;0;1")] // failed the second test
    [InlineData("500;900;1;0;1", "500;100;1;0;1", "600;100;1;0;1", "600;900;1;0;1")] // another passed the second test meanwhile
    [InlineData("500;1;1;0;1", "500;900;1;0;1", "600;900;1;0;1", "600;1;1;0;1")] // another saw it fail meanwhile
    [InlineData("20000;900;1;0;1", "-", "600;0;0;0;0", "600;900;0;0;0")] // a clock was wrong
    public void A_test_without_news_stays_and_the_later_pass_counts(string stored, string seen, string written, string merged) =>
        Assert.Equal(CacheRecord.Parse(merged), ExpiryRules.Merged(CacheRecord.Parse(stored), seen == "-" ? null : CacheRecord.Parse(seen), CacheRecord.Parse(written), Horizon));

    [Fact]
    public void Whoever_knew_nothing_takes_no_pass_away_and_writing_twice_is_writing_once()
    {
        var time = Gen.OneOf(Gen.Const(0u), Gen.Const(1u), Gen.UInt[2, Horizon]);
        var record = Gen.Select(time, time, time, time, time, static (a, b, c, d, e) => new TestExpiry(a, b, c, d, e));
        Gen.Select(record, record).Sample(static (stored, written) =>
        {
            var merged = ExpiryRules.Merged(stored, null, written, Horizon);
            Assert.True((merged.Pregreet >= stored.Pregreet || stored.Pregreet == 1) && (merged.BareNewline >= stored.BareNewline || stored.BareNewline == 1));
            Assert.Equal(merged, ExpiryRules.Merged(merged, null, written, Horizon));
        });
    }
}

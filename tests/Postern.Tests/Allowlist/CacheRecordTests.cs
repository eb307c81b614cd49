using CsCheck;
using Postern.Core.Allowlist;

namespace Postern.Tests.Allowlist;

public sealed class CacheRecordTests
{
    [Theory]
    [InlineData("1795574805;1;1798080406;1798080407;1798080408", 1795574805, 1, 1798080406, 1798080407, 1798080408)]
    [InlineData("0;1795493171;0;1;1", 0, 1795493171, 0, 1, 1)]
    [InlineData("", 1, 1, 1, 1, 1)]
    [InlineData("5", 5, 1, 1, 1, 1)]
    [InlineData("5;", 5, 1, 1, 1, 1)]
    [InlineData("5;6;7;8", 5, 6, 7, 8, 1)] // before the bare newline test
    [InlineData("5;6;7;8;9;10;junk", 5, 6, 7, 8, 9)]
    [InlineData("5;;5", 5, 0, 5, 1, 1)]
    [InlineData(";;;;", 0, 0, 0, 0, 1)]
    [InlineData("12x;5;6", 1, 1, 1, 1, 1)]
    [InlineData("5;12x;6", 5, 1, 1, 1, 1)]
    [InlineData("5;x", 5, 1, 1, 1, 1)]
    [InlineData("5;99999999999999999999999;7;8;9", 5, 1, 7, 8, 9)] // after an overflow reading goes on
    [InlineData("18446744073709551616;6;7;8;9", 1, 6, 7, 8, 9)]
    [InlineData(" 5;\t6;\n+7;\v\f8; \r 9", 5, 6, 7, 8, 9)]
    [InlineData("5 ;6;7;8;9", 1, 1, 1, 1, 1)] // a blank after the number is garbage, then a blank with no number
    [InlineData("12 34;5;6;7", 1, 34, 5, 6, 7)] // what follows the garbage happens to be a number
    [InlineData("+;5", 1, 1, 1, 1, 1)]
    [InlineData("- 5;6", 1, 1, 1, 1, 1)]
    [InlineData("+-5;6", 1, 1, 1, 1, 1)]
    [InlineData("-5;6;-0;8;9", 1, 6, 0, 8, 9)]
    [InlineData("007;8;9;10;11", 7, 8, 9, 10, 11)]
    [InlineData("5;6\0;7;8;9", 5, 6, 1, 1, 1)]
    [InlineData("4294967295;4294967296;9223372036854775807;8;9", 4294967295, 4294967295, 4294967295, 8, 9)]
    [InlineData("5;6;7;8;é", 5, 6, 7, 8, 1)]
    public void Reads_as_strtoul_does(string text, uint pregreet, uint dnsbl, uint pipelining, uint nonSmtp, uint bareNewline)
    {
        Assert.Equal(new TestExpiry(pregreet, dnsbl, pipelining, nonSmtp, bareNewline), CacheRecord.Parse(text));
    }

    [Fact]
    public void Writes_five_numbers_with_semicolons()
    {
        Assert.Equal("1795574805;1;0;1798080406;4294967295", CacheRecord.Format(new TestExpiry(1795574805, 1, 0, 1798080406, uint.MaxValue)));
        Assert.Equal(CacheRecord.MaxLength, CacheRecord.Format(new(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue)).Length);
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        Gen.Select(Gen.UInt, Gen.UInt, Gen.UInt, Gen.UInt, Gen.UInt).Sample((a, b, c, d, e) =>
        {
            var expiry = new TestExpiry(a, b, c, d, e);
            Assert.Equal(expiry, CacheRecord.Parse(CacheRecord.Format(expiry)));
        });
    }

    [Fact]
    public void Any_text_can_be_read_and_what_comes_of_it_is_stable()
    {
        Gen.String[Gen.Char["0123456789;;;;; +-x\0\t\u00e9"], 0, 80].Sample(text =>
        {
            var expiry = CacheRecord.Parse(text);
            Assert.Equal(expiry, CacheRecord.Parse(CacheRecord.Format(expiry)));
        });
    }

    [Fact]
    public void Moments_are_clamped_to_what_a_record_can_hold()
    {
        Assert.Equal(0u, CacheRecord.Seconds(DateTimeOffset.UnixEpoch - TimeSpan.FromDays(1)));
        Assert.Equal(1795574805u, CacheRecord.Seconds(DateTimeOffset.FromUnixTimeMilliseconds(1795574805_999)));
        Assert.Equal(uint.MaxValue, CacheRecord.Seconds(DateTimeOffset.FromUnixTimeSeconds(uint.MaxValue + 1L)));
    }
}

using System.Text.Json;
using CsCheck;
using Postern.Core.Dnsbl;
using Postern.Tests.Tables;

namespace Postern.Tests.Dnsbl;

public sealed class ReplyFilterTests
{
    public static TheoryData<string> Vectors() => TableVectors.Read("ip_match.json", "cases");

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Vector(string json)
    {
        var vector = JsonDocument.Parse(json).RootElement;
        var pattern = vector.GetProperty("pattern").GetString()!;

        var isGood = ReplyFilter.TryParse(pattern, out var filter, out var problem);

        Assert.Equal(vector.GetProperty("ok").GetBoolean(), isGood);
        Assert.Equal(isGood ? null : vector.GetProperty("error_text").GetString(), problem);
        Assert.Equal(isGood ? vector.GetProperty("canonical").GetString() : null, filter?.Text);
        if (vector.TryGetProperty("addresses", out var addresses))
        {
            foreach (var address in addresses.EnumerateObject())
                Assert.Equal(address.Value.GetBoolean(), filter!.Matches(Ip.Of(address.Name).IPv4Bits));
        }
    }

    [Theory]
    [InlineData("", "empty address pattern")]
    [InlineData("[]", "empty address pattern")]
    [InlineData("1.2.3.[4..300]", "numeric range error at \"1.2.3.[4..>300<]\"")]
    [InlineData("1.2.3.[4..]", "numeric range error at \"1.2.3.[4..>]<\"")]
    [InlineData("1.2.3.[4;]", "need decimal number 0..255 at \"1.2.3.[4;>]<\"")]
    [InlineData("1.2.3.[4", "need \";\" or \"]\" at \"1.2.3.[4><\"")]
    [InlineData("1.2.3.4.5", "garbage after pattern at \"1.2.3.4>.<5\"")]
    [InlineData("[127.0.0.1", "missing \"]\" character")]
    [InlineData("[[1.2.3.4]]", "numeric range error at \"[1.>2<.3.4]\"")]
    [InlineData("[1.2.3.4]x", "numeric range error at \"[1.>2<.3.4]x\"")]
    [InlineData("[1.2.3.4]]", "numeric range error at \"[1.>2<.3.4]]\"")]
    [InlineData("1.2.3.[4]]", "garbage after pattern at \"1.2.3.[4]>]<\"")]
    [InlineData("[1;2].3.4.5]", "garbage after pattern at \"[1;2].3.4.5>]<\"")]
    [InlineData("1.2.3.[4...5]", "numeric range error at \"1.2.3.[4..>.<5]\"")]
    [InlineData("1.2.3.99999999999999999999", "need decimal number 0..255 or \"[\" at \"1.2.3.>99999999999999999999<\"")]
    public void Bad_patterns_are_explained(string pattern, string expected)
    {
        Assert.False(ReplyFilter.TryParse(pattern, out _, out var problem));

        Assert.Equal(expected, problem);
    }

    [Fact]
    public void A_bracket_around_the_first_field_is_not_one_around_the_whole()
    {
        Assert.True(ReplyFilter.TryParse("[127;128].0.0.[2..4]", out var filter, out _));

        Assert.True(filter.Matches(0x7f000003));
        Assert.True(filter.Matches(0x80000004));
        Assert.False(filter.Matches(0x7f000005));
    }

    [Fact]
    public void It_matches_what_its_numbers_say() =>
        Gen.Select(Gen.Int[0, 255], Gen.Int[0, 255], Gen.Int[0, 255], Gen.Int[0, 255], Gen.UInt).Sample((one, other, low, high, address) =>
        {
            (low, high) = (Math.Min(low, high), Math.Max(low, high));
            Assert.True(ReplyFilter.TryParse($"{one}.[{low}..{high}].[{one};{other}].[0..255]", out var filter, out _));

            var (a, b, c) = (address >> 24, address >> 16 & 255, address >> 8 & 255);
            var expected = a == one && b >= low && b <= high && (c == one || c == other);
            Assert.Equal(expected, filter.Matches(address));
            var inside = (uint)one << 24 | (uint)high << 16 | (uint)other << 8 | address & 255;
            Assert.True(filter.Matches(inside));
        });
}

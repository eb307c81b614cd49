using CsCheck;
using Postern.Core.Config;

namespace Postern.Tests.Config;

public sealed class ParameterTextTests
{
    [Theory]
    [InlineData("15s", 's', 15)]
    [InlineData("6", 's', 6)]
    [InlineData("2", 'h', 7200)]
    [InlineData("2hh", 's', 7200)]
    [InlineData("5s junk", 'd', 5)]
    [InlineData(" +3m", 's', 180)]
    [InlineData("1d", 's', 86_400)]
    [InlineData("1w", 's', 604_800)]
    [InlineData("-0", 's', 0)]
    [InlineData("2147483647", 's', int.MaxValue)]
    [InlineData("35791393m", 's', 2_147_483_580)]
    public void Times(string text, char unit, int expected)
    {
        Assert.True(ParameterText.TryParseTime(text, unit, out var seconds));
        Assert.Equal(expected, seconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("5x")]
    [InlineData("5 s")]
    [InlineData("1.5s")]
    [InlineData("5S")]
    [InlineData("-1")]
    [InlineData("- 1")]
    [InlineData("2147483648")]
    [InlineData("35791394m")] // the number must be less than INT_MAX / 60
    [InlineData("9999999999s")]
    [InlineData("99999999999999999999")]
    public void No_times(string text) => Assert.False(ParameterText.TryParseTime(text, 's', out _));

    [Theory]
    [InlineData("yes", true)]
    [InlineData("No", false)]
    [InlineData("YES", true)]
    public void Booleans(string text, bool expected)
    {
        Assert.True(ParameterText.TryParseBool(text, out var value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("true")]
    [InlineData("1")]
    [InlineData(" yes")]
    public void No_booleans(string text) => Assert.False(ParameterText.TryParseBool(text, out _));

    [Fact]
    public void Whole_numbers_round_trip_with_white_space_and_sign() =>
        Gen.Long.Sample(number =>
        {
            Assert.True(ParameterText.TryParseLong($" \t{(number >= 0 ? "+" : "")}{number}", out var parsed));
            Assert.Equal(number, parsed);
            Assert.False(ParameterText.TryParseLong($"{number}x", out _));
            Assert.False(ParameterText.TryParseLong($"{number} ", out _));
        });

    [Theory]
    [InlineData("3", "3.0.0", 0)]
    [InlineData("3.10", "3.9", 1)]
    [InlineData("3.9", "3.10", -1)]
    [InlineData("3.6.1", "3.6", 1)]
    public void Compatibility_levels_compare_number_by_number(string left, string right, int expected)
    {
        Assert.True(CompatibilityLevel.TryParse(left, out var one));
        Assert.True(CompatibilityLevel.TryParse(right, out var other));
        Assert.Equal(expected, Math.Sign(one.CompareTo(other)));
    }
}

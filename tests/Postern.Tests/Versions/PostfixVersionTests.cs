using Postern.Core.Versions;

namespace Postern.Tests.Versions;

public sealed class PostfixVersionTests
{
    [Theory]
    [InlineData("3.7", 3, 7, 0)]
    [InlineData("3.10", 3, 10, 0)]
    [InlineData("3.10.13", 3, 10, 13)]
    [InlineData("3.12-20260821", 3, 12, 0)]
    [InlineData("3.11.0-RC2", 3, 11, 0)]
    [InlineData("4.0", 4, 0, 0)]
    public void A_release_or_snapshot_is_read(string text, int major, int minor, int patch)
    {
        Assert.True(PostfixVersion.TryParse(text, out var version));

        Assert.Equal(new PostfixVersion(major, minor, patch), version);
    }

    [Theory]
    [InlineData("")]
    [InlineData("3")]
    [InlineData("3.")]
    [InlineData("3.x")]
    [InlineData("3.7.11.1")]
    [InlineData("3.-7")]
    [InlineData("3.12-")]
    [InlineData("3.12-2026 0821")]
    [InlineData("3.99999")]
    [InlineData(" 3.7")]
    public void Anything_else_is_not(string text) => Assert.False(PostfixVersion.TryParse(text, out _));

    [Fact]
    public void The_minor_number_is_a_number()
    {
        Assert.True(new PostfixVersion(3, 7) < new PostfixVersion(3, 10));
        Assert.True(new PostfixVersion(3, 10, 13) >= new PostfixVersion(3, 10));
        Assert.Equal("3.10", $"{new PostfixVersion(3, 10)}");
        Assert.Equal("3.10.13", $"{new PostfixVersion(3, 10, 13)}");
    }

    [Fact]
    public void A_version_has_what_is_older_than_it_and_what_its_series_got_later()
    {
        var row = new PostfixDifference("x", new PostfixVersion(3, 10), "", "", "", "") { Backports = [new(3, 7, 22)] };

        Assert.Equal(
            [false, true, true, false, true, true],
            new PostfixVersion[] { new(3, 7, 11), new(3, 7, 22), new(3, 7, 23), new(3, 8, 30), new(3, 10), new(3, 12) }.Select(version => version.Has(row)));
    }

    [Fact]
    public void What_is_for_all_or_not_followed_does_not_ask_for_the_version()
    {
        var row = new PostfixDifference("x", new PostfixVersion(3, 10), "", "", "", "");

        Assert.True(PostfixVersion.Base.Has(row with { Policy = VersionPolicy.ForAll }));
        Assert.False(new PostfixVersion(3, 12).Has(row with { Policy = VersionPolicy.NotFollowed }));
    }
}

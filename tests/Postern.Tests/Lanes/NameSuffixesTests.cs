using Postern.Core.Lanes;

namespace Postern.Tests.Lanes;

public sealed class NameSuffixesTests
{
    private static readonly NameSuffixes Domains = new(["example.com", "Mail.Example.ORG"]);

    [Theory]
    [InlineData("example.com", true)]
    [InlineData("a.b.c.example.com", true)]
    [InlineData("MX1.EXAMPLE.COM", true)]
    [InlineData("x.mail.example.org", true)]
    [InlineData("notexample.com", false)]
    [InlineData("example.com.evil.example", false)]
    [InlineData("example.org", false)]
    [InlineData("com", false)]
    [InlineData("", false)]
    public void Contains(string name, bool isIn) => Assert.Equal(isIn, Domains.Contains(name));
}

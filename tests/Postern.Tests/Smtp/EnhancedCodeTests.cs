using Postern.Core.Smtp;

namespace Postern.Tests.Smtp;

public sealed class EnhancedCodeTests
{
    [Theory]
    [InlineData("5.7.1", true)]
    [InlineData("2.0.0", true)]
    [InlineData("4.123.456", true)]
    [InlineData("3.0.0", false)]
    [InlineData("5.1234.1", false)]
    [InlineData("5.1.1234", false)]
    [InlineData("5..1", false)]
    [InlineData("5.1.", false)]
    [InlineData("5.1", false)]
    [InlineData("5.1.1.", false)]
    [InlineData("5.1.x", false)]
    [InlineData("", false)]
    [InlineData("5", false)]
    public void Class_subject_detail(string word, bool isCode) => Assert.Equal(isCode, EnhancedCode.IsValid(word));
}

using System.Text;
using Postern.Core.Smtp;

namespace Postern.Tests.Smtp;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("EHLO foo", "EHLO", "foo", "foo")]
    [InlineData("  MAIL   FROM:<a b>  ", "MAIL", "  FROM:<a b>  ", "FROM:<a")]
    [InlineData("MAIL\tFROM:<x>", "MAIL\tFROM:<x>", "", "")]
    [InlineData("", "", "", "")]
    [InlineData("   ", "", "", "")]
    [InlineData("QUIT ", "QUIT", "", "")]
    [InlineData("NO\0OP x", "NO", "", "")]
    public void The_blank_is_the_only_separator_and_a_NUL_the_end(string line, string verb, string arguments, string first)
    {
        var command = new CommandLine(Encoding.Latin1.GetBytes(line));

        Assert.Equal(verb, Encoding.Latin1.GetString(command.Verb));
        Assert.Equal(arguments, Encoding.Latin1.GetString(command.Arguments));
        Assert.Equal(first, Encoding.Latin1.GetString(command.FirstArgument));
    }
}

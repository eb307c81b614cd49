using Postern.Control;
using Postern.Tests.Logging;

namespace Postern.Tests.Control;

public sealed class TokenFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder["tokens"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_token_tells_whose_it_is()
    {
        Write("# who may\n\njoe 0123456789abcdef\njane\tfedcba9876543210\n");

        Assert.Equal(("joe", null), Find("0123456789abcdef"));
        Assert.Equal(("jane", null), Find("fedcba9876543210"));
        Assert.Equal((null, null), Find("0123456789abcdeF"));
        Assert.Equal((null, null), Find(""));
    }

    [Theory]
    [InlineData("joe short\n", 1)]
    [InlineData("# x\njoe 0123456789abcdef and more\n", 2)]
    [InlineData("j\u00f6e 0123456789abcdef\n", 1)]
    public void A_bad_line_is_named_and_lets_nobody_in(string text, int line)
    {
        Write(text);

        var (name, problem) = Find("0123456789abcdef");

        Assert.Null(name);
        Assert.StartsWith($"{FilePath}, line {line}: write NAME TOKEN", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void The_lines_of_others_hold_beside_a_bad_one()
    {
        Write("joe short\njane fedcba9876543210\n");

        Assert.Equal(("jane", null), Find("fedcba9876543210"));
    }

    [Fact]
    public void A_file_that_is_missing_or_open_to_everybody_lets_nobody_in()
    {
        Assert.Equal((null, $"{FilePath}: No such file or directory"), Find("0123456789abcdef"));
        Write("joe 0123456789abcdef\n");
        SetMode(UnixFileMode.UserRead | UnixFileMode.OtherRead);

        Assert.Equal((null, $"{FilePath} is not only for you: chmod o-rwx {FilePath}"), Find("0123456789abcdef"));
    }

    [Fact]
    public void A_named_pipe_is_no_file_and_keeps_nobody_waiting()
    {
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", FilePath))
            mkfifo.WaitForExit();

        Assert.Equal((null, $"{FilePath}: it is a named pipe, not a file"), Find("0123456789abcdef"));
    }

    private (string? Name, string? Problem) Find(string token)
    {
        var name = new TokenFile(FilePath).FindName(token, out var problem);
        return (name, problem);
    }

    private void Write(string text)
    {
        File.WriteAllText(FilePath, text);
        SetMode(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private void SetMode(UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(FilePath, mode);
    }
}

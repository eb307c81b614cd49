using System.Net.Sockets;
using System.Text;
using Postern.Control;
using Postern.Tests.Logging;

namespace Postern.Tests.Control;

public sealed class ControlSocketTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string SocketPath => _folder["control"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Words_go_in_and_lines_come_out()
    {
        using var socket = Open(static (words, body, answer) =>
        {
            answer.WriteLine(string.Join('|', words));
            foreach (var line in body)
                answer.WriteLine("body " + line);
            return null;
        });
        var lines = new List<string>();

        Assert.True(ControlClient.IsServed(SocketPath));
        Assert.Null(new ControlClient(SocketPath).Ask(["one", "two \xe9"], ["a", "b"], lines.Add));

        Assert.Equal(["one|two \xe9", "body a", "body b"], lines);
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public void A_refusal_comes_as_one_line_and_a_long_answer_whole()
    {
        using var socket = Open(static (words, _, answer) =>
        {
            if (words[0] == "no")
                return "not\nthis\e[2J";
            for (var i = 0; i < 100_000; i++)
                answer.WriteLine(i);
            return null;
        });
        var client = new ControlClient(SocketPath);
        var count = 0;

        Assert.Equal("not this?[2J", client.Ask(["no"], [], static _ => { }));
        Assert.Null(client.Ask(["yes"], [], _ => count++));

        Assert.Equal(100_000, count);
    }

    [Fact]
    public void A_bug_in_an_answer_is_told_to_who_asks_and_the_next_is_served()
    {
        using var socket = Open(static (words, _, _) => words[0] == "bug" ? throw new InvalidOperationException("of the test") : null);
        var client = new ControlClient(SocketPath);

        Assert.Contains("internal error: System.InvalidOperationException: of the test", client.Ask(["bug"], [], static _ => { }), StringComparison.Ordinal);

        Assert.Null(client.Ask(["good"], [], static _ => { }));
    }

    [Fact]
    public void Who_sends_too_much_or_nothing_or_goes_away_disturbs_nobody()
    {
        using var socket = Open(static (words, _, answer) =>
        {
            answer.WriteLine(words.Length);
            return words[0] == "slow" ? throw new TimeoutException() : null;
        });

        foreach (var rubbish in (string[])["", "\n", new string('x', ControlSocket.MostLine + 1), "gone\n"])
        {
            using var raw = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            raw.Connect(new UnixDomainSocketEndPoint(SocketPath));
            raw.Send(Encoding.Latin1.GetBytes(rubbish));
        }

        Assert.Equal("the daemon is too busy to answer", new ControlClient(SocketPath).Ask(["slow"], [], static _ => { }));
        var lines = new List<string>();
        Assert.Null(new ControlClient(SocketPath).Ask(["a", "b"], [], lines.Add));
        Assert.Equal(["2"], lines);
    }

    [Fact]
    public void A_socket_that_somebody_listens_on_is_taken_over_only_on_purpose()
    {
        using var first = Open(static (_, _, answer) => Say(answer, "first"));

        Assert.Null(ControlSocket.Open(SocketPath, isTakenOver: false, static (_, _, _) => null, out var problem));
        Assert.Contains("another process listens there", problem, StringComparison.Ordinal);
        using var second = ControlSocket.Open(SocketPath, isTakenOver: true, static (_, _, answer) => Say(answer, "second"), out problem);
        Assert.Null(problem);
        first.Dispose(); // must not take the second's socket away

        var lines = new List<string>();
        Assert.Null(new ControlClient(SocketPath).Ask(["who"], [], lines.Add));
        Assert.Equal(["second"], lines);
    }

    [Fact]
    public void Nobody_listening_is_a_problem_in_words()
    {
        Assert.False(ControlClient.IsServed(SocketPath));
        Assert.StartsWith(SocketPath + ": ", new ControlClient(SocketPath).Ask(["x"], [], static _ => { }), StringComparison.Ordinal);
    }

    private static string? Say(TextWriter answer, string text)
    {
        answer.WriteLine(text);
        return null;
    }

    private ControlSocket Open(ControlCommand command)
    {
        var socket = ControlSocket.Open(SocketPath, isTakenOver: false, command, out var problem);
        Assert.Null(problem);
        return socket!;
    }
}

using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Postern.Cli;
using Postern.Control;
using Postern.Reports;
using Postern.Tests.Logging;
using Postern.Tests.Loop;

namespace Postern.Tests.Cli;

public sealed class TopVerbTests : IDisposable
{
    private const string First = """
        {"time":1795536000000,"started":1795535000000,"counted_since":1795535000000,"connections":5000,"held":3,"handing_off":0,"stress":false,"outcomes":{"handed_off":1000,"stopped":4000,"told_to_come_back":0},"let_in_by":{"known":900},"stopped_by":{"pregreet":3000,"dnsbl":1500,"hangup_before_handshake":0},"dns_lists":[{"name":"zen.example","well":true,"listed":1500,"not_listed":3000,"failed":1,"timed_out":2,"mean_ms":12.5},{"name":"dead.example","well":false,"listed":0,"not_listed":0,"failed":900,"timed_out":0}],"lanes":{"standing":1},"events_lost":0,"loop_wait_ms":0.2,"cpu_ms":1000,"resident_bytes":10485760}
        """;

    private const string Second = """{"time":1795536002000,"started":1795535000000,"counted_since":1795535000000,"connections":5020,"held":2,"stress":true,"outcomes":{"handed_off":1010},"cpu_ms":1100}""";

    private static readonly string[] Clients =
    [
        """{"address":"192.0.2.7","port":40000,"service":"smtp","waits_for":"lane","since":1795535990000,"until":1795536075000,"class":"generic rule=6"}""",
        """{"address":"2001:db8::7","port":40001,"service":"smtp","waits_for":"dns_lists","since":1795535999000}""",
        """{"service":"smtp","waits_for":"\u001b[31m[red]","until":1795536005000}""",
    ];

    private readonly TemporaryFolder _folder = new();

    public TopVerbTests()
    {
        File.WriteAllText(_folder["main.cf"], $"maillog_file = /dev/stdout\npostern_control_socket = {_folder["control"]}\n");
        File.WriteAllText(_folder["master.cf"], "127.0.0.1:2525 inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_picture_has_averages()
    {
        var lines = Lines(null, First);

        Assert.Equal("postern top  2026-11-24 16:00:00 UTC  up 0 d 0:16  q quits", lines[0]);
        Assert.Contains("     5.0 connections/s  3 held, 1 in slow lanes, 0 handed over just now", lines);
        Assert.Contains("to the mail server                1.00         1,000", lines);
        Assert.Contains("known (allowlist hits)            0.90           900", lines);
        Assert.Contains("  pregreet                        3.00         3,000", lines);
        Assert.DoesNotContain(lines, static line => line.Contains("hangup", StringComparison.Ordinal));
        Assert.Contains("dead.example                         0             0         900       0  OUT", lines);
        Assert.Contains("[192.0.2.7]:40000  generic rule=6         lane          10.0 s  75.0 s", lines);
        Assert.Contains("[2001:db8::7]:40001                       dns lists      1.0 s", lines);
        Assert.Contains("behind a proxy                            ?[31m[red]             5.0 s", lines);
    }

    [Fact]
    public void Later_pictures_have_rates_since_the_one_before()
    {
        var lines = Lines(First, Second);

        Assert.Contains("STRESS MODE", lines[0], StringComparison.Ordinal);
        Assert.Contains("    10.0 connections/s  2 held, 0 in slow lanes, 0 handed over just now", lines);
        Assert.Contains("to the mail server                5.00         1,010", lines);
        Assert.StartsWith("     5.0 % of a processor", lines[2], StringComparison.Ordinal);
        Assert.Equal("     0.0 connections/s", Lines(Second, First)[1][..22]); // begun anew: nothing is negative
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(40, 10)]
    [InlineData(1, 1)]
    public void It_fits_the_screen(int width, int height)
    {
        string[] many = [.. Enumerable.Repeat(Clients, 50).SelectMany(static one => one)];

        var lines = new TopScreen(null, Parse(First), [.. many.Select(Parse)]).Lines(width, height);

        Assert.InRange(lines.Count, 0, height - 1);
        Assert.All(lines, line => Assert.InRange(line.Text.Length, 0, width));
    }

    [Fact]
    public void Without_a_terminal_there_is_one_picture()
    {
        using var daemon = Daemon();
        using var output = new MemoryStream();
        using var errors = new StringWriter();

        Assert.Equal(0, TopVerb.Run(_folder.Path, isOnce: true, output, errors));

        Assert.StartsWith("postern top  2026-11-24", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
        Assert.Contains("192.0.2.7]:40000", Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void That_there_is_no_daemon_is_said()
    {
        using var output = new MemoryStream();
        using var errors = new StringWriter();

        Assert.Equal(1, TopVerb.Run(_folder.Path, isOnce: true, output, errors));

        Assert.Equal($"postern top: no daemon listens on {_folder["control"]} (postern_control_socket){Environment.NewLine}", errors.ToString());
        Assert.Equal(0, output.Length);
    }

    [Theory]
    [InlineData("q", false)]
    [InlineData("q", true)]
    [InlineData("\x3", false)]
    public void In_a_terminal_it_draws_until_it_is_told_to_stop_and_leaves_the_terminal_as_it_was(string key, bool noColour)
    {
        if (!File.Exists("/usr/bin/script"))
            Assert.Skip("script is not installed");
        using var daemon = Daemon();
        var start = new ProcessStartInfo("/usr/bin/script") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var word in (string[])["-qefc", $"stty rows 24 cols 80; stty -g; dotnet {typeof(TopVerb).Assembly.Location} top -c {_folder.Path}; echo status $?; stty -g", "/dev/null"])
            start.ArgumentList.Add(word);
        start.Environment["TERM"] = "xterm";
        if (noColour)
            start.Environment["NO_COLOR"] = "1";
        using var script = Process.Start(start)!;
        var text = new StringBuilder();
        var reader = new Thread(() =>
        {
            var buffer = new char[4096];
            while (script.StandardOutput.Read(buffer) is > 0 and var read)
            {
                lock (text)
                    text.Append(buffer, 0, read);
            }
        })
        { IsBackground = true };
        reader.Start();
        using var end = new Ending(script);

        LoopHarness.Until(() => Said().Contains("192.0.2.7]:40000", StringComparison.Ordinal), "nothing is drawn");
        script.StandardInput.Write(key);
        script.StandardInput.Flush();
        LoopHarness.Until(() => Said().Contains("status ", StringComparison.Ordinal), "it does not stop");
        script.StandardInput.Close();
        Assert.True(script.WaitForExit(20_000));
        reader.Join();

        var said = Said();
        Assert.Contains("status 0\r\n", said, StringComparison.Ordinal);
        Assert.InRange(said.IndexOf("\e[?1049h", StringComparison.Ordinal), 0, said.IndexOf("192.0.2.7", StringComparison.Ordinal)); // a screen of its own
        Assert.InRange(said.LastIndexOf("\e[?1049l", StringComparison.Ordinal), said.LastIndexOf("192.0.2.7", StringComparison.Ordinal), said.Length);
        Assert.InRange(said.LastIndexOf("\e[?25h", StringComparison.Ordinal), said.LastIndexOf("\e[?25l", StringComparison.Ordinal), said.Length); // the cursor is back
        Assert.Equal(said.Split("\r\n")[0], said.TrimEnd().Split("\r\n")[^1]); // what stty says
        Assert.DoesNotContain("\e[31m[red]", said, StringComparison.Ordinal); // what came from outside stays text
        Assert.Equal(!noColour, said.Contains("\e[1;31m", StringComparison.Ordinal) || said.Contains("\e[1;91m", StringComparison.Ordinal)); // the list that is out

        string Said()
        {
            lock (text)
                return text.ToString();
        }
    }

    /// <summary>A test that fails must not leave it waiting for a key.</summary>
    private sealed class Ending(Process script) : IDisposable
    {
        public void Dispose()
        {
            if (!script.HasExited)
                script.Kill(entireProcessTree: true);
        }
    }

    private ControlSocket Daemon()
    {
        var socket = ControlSocket.Open(
            _folder["control"], isTakenOver: false,
            static (words, _, answer) =>
            {
                foreach (var line in words[0] == "figures" ? [First.Trim()] : Clients)
                    answer.WriteLine(line);
                return null;
            },
            out var problem);
        Assert.Null(problem);
        return socket!;
    }

    private static string[] Lines(string? before, string now) =>
        [.. new TopScreen(before is null ? null : Parse(before), Parse(now), [.. Clients.Select(Parse)]).Lines(200, 100).Select(static line => line.Text.TrimEnd())];

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}

using System.Diagnostics;
using System.Text.Json;

namespace Postern.Interop.Tests;

/// <summary><c>postern rehearse</c> as a process: what it leaves behind, whom it needs to be, and how it ends.</summary>
public sealed class RehearseVerbTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-rehearsal-").FullName;

    public RehearseVerbTests()
    {
        Directory.CreateDirectory(_directory + "/tmp");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
            File.SetUnixFileMode(_directory + "/tmp", (UnixFileMode)0b111_111_111);
        }
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void An_ordinary_user_can_and_nothing_is_left_behind()
    {
        var (status, output) = Tool.Run("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "env", "TMPDIR=" + _directory + "/tmp", "HOME=/nonexistent", .. Command("--json")]);

        Assert.True(status == 0, output);
        var runs = JsonDocument.Parse(output).RootElement.GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(3, runs.Count);
        Assert.All(runs, static run => Assert.Equal(0, run.GetProperty("truth").GetProperty("honest_lost").GetInt32()));
        AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_ends_it_and_nothing_is_left_behind(string signal)
    {
        var start = new ProcessStartInfo(PosternProcess.Command[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in Command("--set", "bots=20000").Skip(1))
            start.ArgumentList.Add(argument);
        start.Environment["TMPDIR"] = _directory + "/tmp";
        using var process = Process.Start(start)!;
        Wait.Until(() => Directory.GetFiles(_directory + "/tmp", "maillog", SearchOption.AllDirectories) is [var log, ..] && new FileInfo(log).Length > 0, () => "it does not begin");

        Tool.Run("kill", ["-" + signal, $"{process.Id}"]);

        Wait.Until(() => process.HasExited, () => "it does not end");
        Assert.Equal(130, process.ExitCode);
        Assert.Equal("", process.StandardOutput.ReadToEnd());
        AssertNothingIsLeft();
    }

    private string[] Command(params string[] options)
    {
        File.WriteAllText(_directory + "/main.cf", "compatibility_level = 3.6\nmyhostname = mx.site.example\npostscreen_greet_action = enforce\n");
        File.WriteAllText(_directory + "/master.cf", "smtp inet n - n - 1 postscreen\n");
        return [.. PosternProcess.Command, "rehearse", "-c", _directory, .. options.Length == 1 ? (string[])["--set", "scale=0.1"] : [], .. options];
    }

    // The runtime of the JIT build has a diagnostics socket there, for as long as it runs.
    private void AssertNothingIsLeft() =>
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_directory + "/tmp"), static entry => Path.GetFileName(entry).StartsWith("postern", StringComparison.Ordinal));
}

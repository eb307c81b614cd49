using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>
/// A running <c>postern serve</c>. <c>POSTERN_BINARY</c> names the program to test, say a native one; without it, it is
/// the one that was built with the tests.
/// </summary>
internal sealed partial class PosternProcess : IDisposable
{
    private const int SigHup = 1, SigKill = 9, SigTerm = 15, SigCont = 18, SigStop = 19;
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private PosternProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    /// <summary>What it wrote to its standard output and error.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The program and its first arguments.</summary>
    public static IReadOnlyList<string> Command { get; } = Environment.GetEnvironmentVariable("POSTERN_BINARY") is { Length: > 0 } binary
        ? [binary]
        : [Tool.Find("dotnet") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "postern.dll")];

    /// <summary>Runs one of the verbs to its end.</summary>
    public static (int Status, string Output) Run(params string[] arguments) => Tool.Run(Command[0], [.. Command.Skip(1), .. arguments]);

    /// <param name="resolvConf">In place of /etc/resolv.conf, for this process alone (needs root); null: the machine's own.</param>
    public static PosternProcess Serve(string configDirectory, string? resolvConf = null)
    {
        var serve = Tool.WithResolvConf(resolvConf, [.. Command, "serve", "-c", configDirectory]);
        return new PosternProcess(Tool.Start(serve[0], serve.AsSpan(1).ToArray()));
    }

    /// <summary>SIGHUP: read the configuration again.</summary>
    public void Reload() => Signal(SigHup);

    /// <summary>SIGSTOP: the whole process stands still.</summary>
    public void Pause() => Signal(SigStop);

    /// <summary>SIGCONT.</summary>
    public void GoOn() => Signal(SigCont);

    /// <summary>SIGTERM.</summary>
    public void BeginStop() => Signal(SigTerm);

    /// <summary>SIGKILL: no chance to save anything.</summary>
    public void Kill()
    {
        Signal(SigKill);
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and the exit status.</summary>
    public int Stop()
    {
        BeginStop();
        return WaitForExit();
    }

    public int WaitForExit()
    {
        Wait.Until(() => _process.HasExited, () => $"Postern does not end: {Output}");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>A line of /proc/PID/status.</summary>
    public string[] Status(string name) =>
        File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..]
            .Split(['\t', ' '], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Memory of its own, in bytes.</summary>
    public long PrivateMemory => long.Parse(Status("RssAnon")[0], CultureInfo.InvariantCulture) * 1024;

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (!_process.HasExited)
            _ = kill(Id, signal);
    }

    private void Take(object sender, DataReceivedEventArgs data)
    {
        lock (_output)
            _output.AppendLine(data.Data);
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Postern.Bench;

/// <summary>A program that the bench has started, and ends by its process id.</summary>
internal sealed partial class ChildProcess : IDisposable
{
    private const int SIGHUP = 1, SIGTERM = 15;
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it printed, once it has ended; empty when the output went to a file.</summary>
    public Task<string> Output { get; private init; } = Task.FromResult("");

    /// <summary>Starts a daemon: in a session of its own, with its output in a file.</summary>
    public static ChildProcess StartDaemon(string outputFile, params IReadOnlyList<string> command)
    {
        // The shell and setsid replace themselves: the process id stays that of the daemon.
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("out=$1; shift; exec setsid \"$@\" </dev/null >\"$out\" 2>&1");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(outputFile);
        foreach (var word in command)
            start.ArgumentList.Add(word);
        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>Starts a program whose standard output is of interest when it ends.</summary>
    /// <param name="onError">Gets every line of its standard error, on another thread.</param>
    public static ChildProcess Start(Action<string> onError, params IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in command.Skip(1))
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
                onError(text);
        };
        process.BeginErrorReadLine();
        return new ChildProcess(process) { Output = process.StandardOutput.ReadToEndAsync() };
    }

    /// <summary>Asks it to end.</summary>
    public void Terminate()
    {
        if (!_process.HasExited)
            _ = Kill(_process.Id, SIGTERM);
    }

    /// <summary>Has it read its configuration again.</summary>
    public void Reload() => _ = Kill(_process.Id, SIGHUP);

    /// <summary>Whether it has ended within <paramref name="limit"/>.</summary>
    public bool WaitFor(TimeSpan limit) => _process.WaitForExit((int)limit.TotalMilliseconds);

    /// <summary>Ends it, with force if asking does not help within three seconds.</summary>
    public void Dispose()
    {
        Terminate();
        if (!WaitFor(TimeSpan.FromSeconds(3)))
        {
            _process.Kill();
            WaitFor(TimeSpan.FromSeconds(3));
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}

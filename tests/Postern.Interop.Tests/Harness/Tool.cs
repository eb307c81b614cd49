using System.Diagnostics;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>Programs of the machine. A test that lacks one is skipped, and says which.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public static bool IsRoot { get; } = Environment.UserName == "root";

    /// <summary>Skips the test unless all these are installed.</summary>
    public static void Require(params string[] names)
    {
        foreach (var name in names)
        {
            if (Find(name) is null)
                Assert.Skip($"needs {name}, which is not installed");
        }
    }

    public static void RequireRoot() => Assert.SkipUnless(IsRoot, "needs root");

    public static string? Find(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/lib/postfix/sbin");
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Starts a program without standard input. Whoever starts it must end it.</summary>
    public static Process Start(string name, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(name) ?? name) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["TZ"] = "UTC";
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Exit status, and what it wrote.</returns>
    public static (int Status, string Output) Run(string name, params IEnumerable<string> arguments)
    {
        using var process = Start(name, arguments);
        return Finish(process);
    }

    /// <summary>Runs a program that has to succeed.</summary>
    public static string Must(string name, params string[] arguments)
    {
        var (status, output) = Run(name, arguments);
        Assert.True(status == 0, $"{name} {string.Join(' ', arguments)}: exit status {status}: {output}");
        return output;
    }

    public static (int Status, string Output) Finish(Process process)
    {
        var output = new StringBuilder();
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"{process.StartInfo.FileName} does not end; so far it wrote: {output}");
        }

        process.WaitForExit(); // for the rest of the output
        lock (output)
            return (process.ExitCode, output.ToString());

        void Take(object sender, DataReceivedEventArgs data)
        {
            if (data.Data is not { } line)
                return; // one of the two channels has ended
            lock (output)
                output.AppendLine(line);
        }
    }
}

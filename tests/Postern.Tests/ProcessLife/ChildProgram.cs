using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Postern.Lmdb;
using Postern.ProcessLife;

namespace Postern.Tests.ProcessLife;

/// <summary>
/// Runs this very program again as a child for what would spoil the test process: dropping root, dying of a signal. The
/// child is told its part by an environment variable and never comes to the test runner.
/// </summary>
internal static partial class ChildProgram
{
    private const string Variable = "POSTERN_TEST_CHILD";

    public static Process Start(string part)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(typeof(ChildProgram).Assembly.Location);
        start.Environment[Variable] = part;
        return Process.Start(start)!;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    public static partial int Kill(int process, int signal);

#pragma warning disable CA2255 // a module initializer is the one place before the generated Main
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Play()
    {
        var part = Environment.GetEnvironmentVariable(Variable);
        switch (part?.Split(' '))
        {
            case null:
                return;
            case ["drop", var user]:
                Drop(user);
                break;
            case ["lmdb", var path]:
                WriteForEver(path);
                break;
            case ["signals"]:
                AwaitSignals();
                break;
        }

        Environment.Exit(0);
    }

    private static void Drop(string user)
    {
        using var end = new ManualResetEventSlim();
        for (var i = 0; i < 3; i++)
            new Thread(end.Wait) { IsBackground = true }.Start();
        ReadableShadow(); // what it needs is loaded while it may be

        var dropped = Privileges.TryDrop(user, jail: null, out var note, out var problem);

        Console.WriteLine($"dropped {dropped}");
        Console.WriteLine($"note {note}");
        Console.WriteLine($"problem {problem}");
        Console.WriteLine($"users {string.Join('|', OfEveryThread("Uid:"))}");
        Console.WriteLine($"groups {string.Join('|', OfEveryThread("Gid:"))}");
        Console.WriteLine($"shadow {ReadableShadow()}");
        Console.WriteLine($"again {Privileges.TryDrop(user, jail: null, out note, out _)} {note}");
    }

    /// <summary>Says after each transaction how many there were.</summary>
    private static void WriteForEver(string path)
    {
        if (LmdbFile.Open(path, isReadOnly: false, 16 << 20, TimeSpan.FromSeconds(10), note: null, out var file) is { } problem)
            throw new InvalidOperationException(problem.Reason);
        for (var i = 1; ; i++)
        {
            var number = i.ToString(CultureInfo.InvariantCulture);
            var failure = file!.Write(TimeSpan.FromSeconds(10), change =>
            {
                var code = change.Put(Encoding.ASCII.GetBytes("row" + number), Encoding.ASCII.GetBytes(number));
                return code != 0 ? code : change.Put("last"u8, Encoding.ASCII.GetBytes(number));
            });
            if (failure is not null)
                throw new InvalidOperationException(failure.Reason);
            Console.WriteLine(number);
        }
    }

    private static void AwaitSignals()
    {
        using var lines = new System.Collections.Concurrent.BlockingCollection<string>();
        using var signals = new Signals(() => lines.Add("stop"), () => lines.Add("stop now"), () => lines.Add("reload"));
        Console.WriteLine(File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)));
        foreach (var line in lines.GetConsumingEnumerable())
        {
            Console.WriteLine(line);
            if (line == "stop now")
                return;
        }
    }

    private static IEnumerable<string> OfEveryThread(string field) =>
        Directory.GetDirectories("/proc/self/task")
            .Select(thread => File.ReadLines($"{thread}/status").First(line => line.StartsWith(field, StringComparison.Ordinal)))
            .Select(line => line[field.Length..].Trim().Replace('\t', ' '))
            .Distinct()
            .Order();

    private static string ReadableShadow()
    {
        try
        {
            return File.ReadAllText("/etc/shadow").Length.ToString(CultureInfo.InvariantCulture);
        }
        catch (UnauthorizedAccessException)
        {
            return "denied";
        }
    }
}

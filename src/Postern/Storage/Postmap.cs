using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Postern.Storage;

/// <summary>Postfix's postmap(1), which reads and writes the files that no .NET library knows, Berkeley DB's above all (ADR 2).</summary>
internal static class Postmap
{
    /// <summary>Runs it and waits for it.</summary>
    /// <param name="options">Where it is, and which main.cf it reads. Where that redirects tables of Berkeley DB to others (<c>non_bdb_migration_level</c>), it gets one that does not, so that the old file itself is meant.</param>
    /// <param name="arguments">But for <c>-c</c>.</param>
    /// <param name="input">Lines for its standard input, each with its end.</param>
    /// <param name="read">Reads its standard output; the result says whether to the end.</param>
    /// <returns>Null on success; else why not, printable, in its words where it had some.</returns>
    public static string? Run(AllowlistOptions options, string[] arguments, IEnumerable<string> input, Func<Stream, bool> read, TimeSpan limit)
    {
        DirectoryInfo? temporary = null;
        try
        {
            var configuration = options.ConfigDirectory;
            if (options.IsRedirected)
            {
                temporary = Directory.CreateTempSubdirectory("postern-postmap-");
                configuration = temporary.FullName;
                File.WriteAllText(configuration + "/main.cf", "compatibility_level = 3.6\nnon_bdb_migration_level = disable\n");
            }

            using var process = Process.Start(new ProcessStartInfo(options.PostmapPath!, [.. configuration is null ? [] : (string[])["-c", configuration], .. arguments])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardErrorEncoding = Encoding.Latin1,
            })!;
            return Wait(process, input, read, limit);
        }
        catch (Exception failure) when (failure is Win32Exception or IOException or UnauthorizedAccessException)
        {
            return $"cannot run {options.PostmapPath}: {failure.Message}";
        }
        finally
        {
            temporary?.Delete(recursive: true);
        }
    }

    private static string? Wait(Process process, IEnumerable<string> input, Func<Stream, bool> read, TimeSpan limit)
    {
        var isLate = 0;
        using var alarm = new Timer(_ =>
        {
            Volatile.Write(ref isLate, 1);
            Kill(process);
        }, null, limit, Timeout.InfiniteTimeSpan);
        var complaint = new StringBuilder();
        process.ErrorDataReceived += (_, line) => complaint.Append(complaint.Length < 500 ? line.Data : null);
        process.BeginErrorReadLine();
        try
        {
            foreach (var line in input)
                process.StandardInput.Write(line);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before it had read all: its exit status and its words say why.
        }

        if (!read(process.StandardOutput.BaseStream))
            Kill(process);
        process.WaitForExit(); // also for the last of its complaints
        return Volatile.Read(ref isLate) != 0 ? $"no end after {limit.TotalSeconds:0} s"
            : process.ExitCode != 0 ? Printable(complaint.ToString())
            : null;
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has just ended by itself.
        }
    }

    private static string Printable(string text)
    {
        var cut = text.AsSpan(0, Math.Min(text.Length, 200)).ToArray();
        for (var i = 0; i < cut.Length; i++)
        {
            if (cut[i] is < ' ' or > '~')
                cut[i] = '?';
        }

        return new string(cut);
    }
}

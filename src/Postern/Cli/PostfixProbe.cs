using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Postern.Core.Config;
using Postern.Native;
using Postern.Storage;

namespace Postern.Cli;

/// <summary>
/// Finds out which Postfix this machine has, and how it was built: <c>postconf -d</c> says so, else the stamp that each of
/// its programs carries. A program is asked again only when it is another one.
/// </summary>
internal static class PostfixProbe
{
    private const int MostOutput = 16 << 10; // bytes
    private const int MostProgram = 8 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly string[] UsualDirectories = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
    private static readonly ConcurrentDictionary<string, (DateTime Changed, long Length, FoundPostfix? Found)> Known = new();

    /// <param name="commandDirectory">Where postconf(1) is; null: where it usually is.</param>
    /// <param name="daemonDirectory">Where master(8) is.</param>
    /// <returns>Null: there is no Postfix.</returns>
    public static FoundPostfix? Find(string? commandDirectory, string daemonDirectory)
    {
        foreach (var directory in commandDirectory is null ? UsualDirectories : [commandDirectory])
        {
            if (Remembered(directory + "/postconf", Ask) is { } found)
                return found;
        }

        return Remembered(daemonDirectory + "/master", ReadStamp);
    }

    /// <summary>Asks again what has changed since it was asked, on a thread that may wait for it.</summary>
    public static void LookAgain()
    {
        foreach (var program in Known.Keys)
            Remembered(program, Path.GetFileName(program) == "postconf" ? Ask : ReadStamp);
    }

    private static FoundPostfix? Remembered(string program, Func<string, FoundPostfix?> find)
    {
        var file = new FileInfo(program);
        if (!file.Exists)
            return null;
        if (Known.TryGetValue(program, out var known) && known.Changed == file.LastWriteTimeUtc && known.Length == file.Length)
            return known.Found;
        var found = find(program);
        Known[program] = (file.LastWriteTimeUtc, file.Length, found);
        return found;
    }

    /// <summary>
    /// Whether nobody but root and we ourselves had a hand in it: main.cf may be anybody's that is looked at, and what it names
    /// is run.
    /// </summary>
    private static bool IsTrusted(string program)
    {
        var file = File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program;
        return Path.GetFileName(file) == "postconf" && IsOurs(file) && IsOurs(Path.GetDirectoryName(file)!);

        static bool IsOurs(string path) =>
            OperatingSystem.IsLinux() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) == 0 && FileFacts.Of(path)?.Owner is { } owner && (owner == 0 || owner == Libc.geteuid());
    }

    private static FoundPostfix? Ask(string postconf)
    {
        if (!IsTrusted(postconf))
            return null;
        var start = new ProcessStartInfo(postconf, ["-d", "mail_version", .. PostfixRelease.BuildDefaults])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true, // an older one warns of parameters that it does not know
            RedirectStandardInput = true,
            StandardOutputEncoding = Encoding.Latin1,
        };
        start.Environment.Clear();
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            using var alarm = new Timer(_ => End(process), null, Patience, Timeout.InfiniteTimeSpan);
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginErrorReadLine();
            var output = new char[MostOutput];
            var length = process.StandardOutput.ReadBlock(output);
            if (length == output.Length)
                End(process);
            return Parse(new string(output, 0, length), postconf);
        }
        catch (Exception failure) when (failure is Win32Exception or IOException or InvalidOperationException)
        {
            return null; // it cannot be run here: its files are asked
        }
    }

    /// <param name="output">Lines <c>name = value</c>.</param>
    internal static FoundPostfix? Parse(string output, string postconf)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in output.Split('\n'))
        {
            var equals = line.IndexOf(" =", StringComparison.Ordinal);
            if (equals > 0 && line[(equals + 2)..].Trim() is { Length: > 0 } value)
                values[line[..equals]] = value;
        }

        return values.Remove("mail_version", out var version) ? new FoundPostfix(version, postconf, values) : null;
    }

    // mail_version=3.10.13 and a NUL, in all programs of Postfix since 2.x.
    private static FoundPostfix? ReadStamp(string program)
    {
        try
        {
            using var file = File.OpenRead(program);
            var bytes = new byte[Math.Min(file.Length, MostProgram)];
            var rest = bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
            if (rest.IndexOf("\0mail_version="u8) is not (>= 0 and var start))
                return null;
            rest = rest[(start + "\0mail_version="u8.Length)..];
            return rest.IndexOf((byte)0) is > 0 and < 40 and var length
                ? new FoundPostfix(Encoding.Latin1.GetString(rest[..length]), program, new Dictionary<string, string>())
                : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // it has just ended by itself
        }
    }
}

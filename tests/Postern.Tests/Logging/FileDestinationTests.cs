using System.Diagnostics;
using System.Runtime.Versioning;
using Postern.Core;
using Postern.Logging;

namespace Postern.Tests.Logging;

[SupportedOSPlatform("linux")]
public sealed class FileDestinationTests : IDisposable
{
    private static readonly LogTag Tag = new("postfix", "postscreen", 1);

    private readonly ManualTime _time = new(new DateTimeOffset(2026, 11, 24, 2, 58, 5, TimeSpan.Zero));
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("0600", UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData("0640", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead)]
    [InlineData("0644", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead)]
    public void A_new_file_has_the_permissions_of_maillog_file_permissions(string permissions, UnixFileMode expected)
    {
        using var log = Open(_folder["log"], Convert.ToUInt32(permissions, 8));

        log.WriteNow(Tag, LogSeverity.Info, "x");

        Assert.Equal(expected, File.GetUnixFileMode(_folder["log"]));
    }

    [Fact]
    public void An_existing_file_keeps_its_lines_and_permissions()
    {
        File.WriteAllText(_folder["log"], "before\n");
        File.SetUnixFileMode(_folder["log"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        using var log = Open(_folder["log"]);

        log.WriteNow(Tag, LogSeverity.Info, "x");

        Assert.Equal(["before", "]: x"], Tails("log", "before"));
        Assert.True(File.GetUnixFileMode(_folder["log"]).HasFlag(UnixFileMode.GroupWrite));
    }

    [Fact]
    public void A_file_that_cannot_be_opened_is_a_problem_with_the_reason()
    {
        var options = new LogOptions { MaillogFile = _folder["missing/log"] };

        Assert.False(MailLog.TryOpen(options, _time, out _, out var problem));

        Assert.Equal($"open maillog_file {_folder["missing/log"]}: No such file or directory", problem);
    }

    [Fact]
    public void A_renamed_file_is_followed_within_a_second_without_being_told()
    {
        using var log = Open(_folder["log"]);
        log.WriteNow(Tag, LogSeverity.Info, "one");
        File.Move(_folder["log"], _folder["log.1"]);
        log.WriteNow(Tag, LogSeverity.Info, "two"); // the path is looked at once a second only

        _time.Advance(TimeSpan.FromSeconds(1));
        log.WriteNow(Tag, LogSeverity.Info, "three");

        Assert.Equal(["]: one", "]: two"], Tails("log.1"));
        Assert.Equal(["]: three"], Tails("log"));
    }

    [Fact]
    public void Reopen_follows_a_renamed_file_at_once()
    {
        using var log = Open(_folder["log"]);
        log.Write(Tag, LogSeverity.Info, "one"u8);
        File.Move(_folder["log"], _folder["log.1"]);
        File.WriteAllText(_folder["log"], "made by logrotate\n");

        log.Reopen();
        log.WriteNow(Tag, LogSeverity.Info, "two");

        Assert.Equal(["]: one"], Tails("log.1"));
        Assert.Equal(["made by logrotate", "]: two"], Tails("log", "made by logrotate"));
    }

    [Fact]
    public void A_file_truncated_in_place_is_written_from_its_start()
    {
        using var log = Open(_folder["log"]);
        log.WriteNow(Tag, LogSeverity.Info, "one");
        File.WriteAllText(_folder["log"], "");

        log.WriteNow(Tag, LogSeverity.Info, "two");

        Assert.Equal(["]: two"], Tails("log"));
    }

    [Fact]
    public void When_the_new_file_cannot_be_opened_the_old_one_is_used_with_one_warning()
    {
        var inner = Directory.CreateDirectory(_folder["inner"]).FullName;
        using var log = Open(Path.Combine(inner, "log"));
        Directory.Move(inner, _folder["moved"]);

        log.Reopen();
        log.WriteNow(Tag, LogSeverity.Info, "one");
        _time.Advance(TimeSpan.FromSeconds(5));
        log.WriteNow(Tag, LogSeverity.Info, "two");
        log.Reopen();
        Assert.Equal(
            [$"]: warning: cannot reopen maillog_file {inner}/log: No such file or directory; still writing to the old file", "]: one", "]: two"],
            Tails("moved/log"));

        Directory.CreateDirectory(inner);
        _time.Advance(TimeSpan.FromSeconds(1));
        log.WriteNow(Tag, LogSeverity.Info, "three");

        Assert.Equal(["]: three"], Tails("inner/log"));
    }

    [Fact]
    public void A_full_disk_loses_no_more_than_the_bound_and_is_written_again_when_there_is_room()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting a small file system needs root");
        var disk = Directory.CreateDirectory(_folder["disk"]).FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=64k", "none", disk), "mount is not allowed here");
        try
        {
            using var log = Open(Path.Combine(disk, "log"));
            var filler = new string('x', 1000);
            const int Lines = 6000;
            for (var i = 0; i < Lines; i++)
            {
                log.Write(Tag, LogSeverity.Info, $"{i} {filler}");
                if (i % 50 == 0)
                    log.Flush();
            }

            Assert.True(log.HasPending);
            Assert.InRange(new FileInfo(Path.Combine(disk, "log")).Length, 32 << 10, 64 << 10);

            Assert.True(Run("mount", "-o", "remount,size=32m", disk));
            log.WriteNow(Tag, LogSeverity.Info, "after");

            Assert.False(log.HasPending);
            var lines = Tails("disk/log");
            var kept = lines.Where(line => line.EndsWith(filler, StringComparison.Ordinal)).ToArray();
            Assert.All(kept, (line, i) => Assert.Equal($"]: {i} {filler}", line)); // whole, in order, without a gap
            Assert.InRange(kept.Sum(line => line.Length), MailLog.MaxPending * 9 / 10, int.MaxValue);
            Assert.Contains($"]: warning: cannot write maillog_file {disk}/log: No space left on device", lines);
            Assert.Equal($"]: warning: {Lines + 1 - kept.Length} log lines were lost", lines[^1]);

            log.WriteNow(Tag, LogSeverity.Info, "and on");
            Assert.Equal("]: and on", Tails("disk/log")[^1]);
        }
        finally
        {
            Run("umount", disk);
        }
    }

    [Fact]
    public void A_read_only_disk_keeps_lines_waiting_and_not_the_start()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "mounting a small file system needs root");
        var disk = Directory.CreateDirectory(_folder["disk"]).FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "ro", "none", disk), "mount is not allowed here");
        try
        {
            Assert.True(MailLog.TryOpen(new LogOptions { MaillogFile = disk + "/log" }, _time, out var log, out var problem));
            Assert.Equal($"open maillog_file {disk}/log: Read-only file system", problem);
            using (log)
            {
                log.WriteNow(Tag, LogSeverity.Info, "one");
                Assert.True(Run("mount", "-o", "remount,rw", disk));
                _time.Advance(TimeSpan.FromSeconds(1));
                log.WriteNow(Tag, LogSeverity.Info, "two");

                Assert.Equal(["]: one", "]: two", $"]: warning: open maillog_file {disk}/log: Read-only file system; it is tried again every second"], Tails("disk/log").Order(StringComparer.Ordinal));
            }
        }
        finally
        {
            Run("umount", disk);
        }
    }

    private MailLog Open(string path, uint mode = 0x180)
    {
        Assert.True(FileDestination.TryOpen("maillog_file", path, mode, _time, keeper: null, out var destination, out var problem), problem);
        return new MailLog(destination, new LogOptions(), _time);
    }

    // What stands behind "[1" of each line, or the line itself.
    private string[] Tails(string name, string? whole = null) =>
        [.. File.ReadLines(_folder[name]).Select(line => line == whole ? line : line[line.IndexOf("]: ", StringComparison.Ordinal)..])];

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

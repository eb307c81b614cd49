using Postern.Native;
using Postern.Tests.Logging;

namespace Postern.Tests.Native;

/// <summary>A file that is written has the new content or the former one, and stays whose and what it was.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class WholeFileTests : IDisposable
{
    private const UnixFileMode Unusual = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder["file"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_file_is_for_all_to_read()
    {
        WholeFile.Write(FilePath, "new\n"u8);

        Assert.Equal("new\n", File.ReadAllText(FilePath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(FilePath));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Mode_and_link_stay()
    {
        Directory.CreateDirectory(_folder["elsewhere"]);
        File.WriteAllText(_folder["elsewhere/target"], "former, and longer than what comes\n");
        File.SetUnixFileMode(_folder["elsewhere/target"], Unusual);
        File.CreateSymbolicLink(FilePath, "elsewhere/target");

        WholeFile.Write(FilePath, "new\n"u8);

        Assert.Equal("elsewhere/target", new FileInfo(FilePath).LinkTarget);
        Assert.Equal("new\n", File.ReadAllText(FilePath));
        Assert.Equal(Unusual, File.GetUnixFileMode(_folder["elsewhere/target"]));
        Assert.Equal([_folder["elsewhere/target"]], Directory.GetFiles(_folder["elsewhere"]));
    }

    [Fact]
    public unsafe void Owner_and_group_stay()
    {
        Assert.SkipUnless(Libc.geteuid() == 0, "needs root");
        File.WriteAllText(FilePath, "former\n");
        Assert.Equal(0, Libc.chown(FilePath, 1234, 4321));

        WholeFile.Write(FilePath, "new\n"u8);

        FileStatus status;
        Assert.Equal(0, Libc.statx(Libc.AT_FDCWD, FilePath, 0, Libc.STATX_BASIC_STATS, &status));
        Assert.Equal((1234u, 4321u), (status.User, status.Group));
    }

    [Fact]
    public void What_one_left_who_did_not_get_to_the_end_is_no_obstacle()
    {
        File.WriteAllText(FilePath + ".new", "half");

        WholeFile.Write(FilePath, "new\n"u8);

        Assert.Equal("new\n", File.ReadAllText(FilePath));
        Assert.False(File.Exists(FilePath + ".new"));
    }

    [Fact]
    public void Without_a_folder_there_is_the_systems_reason() =>
        Assert.Equal("No such file or directory", Assert.Throws<IOException>(() => WholeFile.Write(_folder["no/such/file"], "new\n"u8)).Message);
}

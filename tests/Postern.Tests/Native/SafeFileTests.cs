using System.Diagnostics;
using System.Runtime.Versioning;
using Postern.Native;
using Postern.Tests.Logging;

namespace Postern.Tests.Native;

/// <summary>What root opens in a folder of the mail owner's, who may be in the hands of whoever broke into the daemon.</summary>
[SupportedOSPlatform("linux")]
public sealed class SafeFileTests : IDisposable
{
    private const uint Keeper = 65534, Stranger = 65533;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode GroupsToo = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    private readonly TemporaryFolder _folder = new();

    public SafeFileTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can be abused");
        Directory.CreateDirectory(_folder["his"]);
        Directory.CreateDirectory(_folder["roots"]);
        Give("his", Keeper);
        Write("victim", "secret");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_link_of_his_leads_root_nowhere(bool isGiven)
    {
        File.CreateSymbolicLink(_folder["his/log"], _folder["victim"]);
        Give("his/log", Keeper);

        Assert.Contains("root does not follow a link", Refusal("his/log", isGiven), StringComparison.Ordinal);

        AssertUntouched("victim");
    }

    [Fact]
    public void Nor_does_a_folder_that_he_made_a_link_of()
    {
        Directory.CreateSymbolicLink(_folder["his/logs"], _folder["roots"]);

        Assert.Contains("root does not follow a link", Refusal("his/logs/log", isGiven: true), StringComparison.Ordinal);

        Assert.False(File.Exists(_folder["roots/log"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_second_name_of_a_file_is_refused(bool isGiven)
    {
        Run("ln", _folder["victim"], _folder["his/log"]);

        Assert.Contains("2 names", Refusal("his/log", isGiven), StringComparison.Ordinal);

        AssertUntouched("victim");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_named_pipe_a_folder_and_a_stranger_s_file_are_refused_without_waiting(bool isGiven)
    {
        Run("mkfifo", _folder["his/pipe"]);
        Directory.CreateDirectory(_folder["his/folder"]);
        Write("his/stranger", "x");
        Give("his/stranger", Stranger);

        Assert.Equal("No such device or address", Refusal("his/pipe", isGiven)); // nobody reads from it
        Assert.Equal("Is a directory", Refusal("his/folder", isGiven));
        Assert.Equal($"it belongs to user ID {Stranger}, who is neither root nor mail_owner: chown it to one of them", Refusal("his/stranger", isGiven));
        using var reader = Process.Start("cat", _folder["his/pipe"]);
        try
        {
            Loop.LoopHarness.Until(() => Refusal("his/pipe", isGiven) == "it is not a regular file", "it is written to");
        }
        finally
        {
            reader.Kill();
            reader.WaitForExit();
        }
    }

    [Fact]
    public void Another_file_of_root_s_that_he_has_renamed_is_not_given_to_him()
    {
        Write("his/log", "of root's, in his folder");

        Assert.Contains("it belongs to root, in a folder where others can have put it", Refusal("his/log", isGiven: true), StringComparison.Ordinal);

        Assert.Equal(0u, OwnerOf("his/log"));
    }

    [Theory]
    [InlineData("his/log")]
    [InlineData("roots/log")]
    public void A_new_file_is_made_with_its_mode_and_given_to_him_alone_when_it_is_to_be_his(string name)
    {
        Close(SafeFile.OpenToAppend(_folder[name], 0b110_100_000, new FileKeeper(Keeper, Keeper), isGiven: true, out var problem));
        Assert.Null(problem);
        Close(SafeFile.OpenToAppend(_folder[name + "2"], 0b110_000_000, new FileKeeper(Keeper, Keeper), isGiven: false, out problem));
        Assert.Null(problem);

        Assert.Equal((Keeper, Private | UnixFileMode.GroupRead), (OwnerOf(name), File.GetUnixFileMode(_folder[name])));
        Assert.Equal((0u, Private), (OwnerOf(name + "2"), File.GetUnixFileMode(_folder[name + "2"])));
        Close(SafeFile.OpenToAppend(_folder[name], 0, new FileKeeper(Keeper, Keeper), isGiven: true, out problem));
        Assert.Null(problem); // it is his by now
    }

    [Fact]
    public void A_link_of_root_s_own_is_followed_and_so_is_what_only_the_kernel_can_follow()
    {
        Write("his/log", "");
        Give("his/log", Keeper);
        File.CreateSymbolicLink(_folder["roots/log"], "../his/log");
        Directory.CreateSymbolicLink(_folder["roots/folder"], _folder["his"]);

        Assert.Equal("", Refusal("roots/log", isGiven: true));
        Assert.Equal("", Refusal("roots/folder/log", isGiven: true));
        Close(SafeFile.OpenToAppend("/dev/stderr", 0b110_000_000, new FileKeeper(Keeper, Keeper), isGiven: false, out var problem));
        Assert.Null(problem);
        Close(SafeFile.OpenToAppend("/dev/null", 0b110_000_000, new FileKeeper(Keeper, Keeper), isGiven: false, out problem));
        Assert.Null(problem);
    }

    [Fact]
    public void A_link_of_root_s_own_to_a_link_of_his_is_not()
    {
        File.CreateSymbolicLink(_folder["his/log"], _folder["victim"]);
        File.CreateSymbolicLink(_folder["roots/log"], _folder["his/log"]);

        Assert.Contains("root does not follow a link", Refusal("roots/log", isGiven: false), StringComparison.Ordinal);
    }

    [Fact]
    public void Links_that_lead_in_a_circle_have_an_end()
    {
        File.CreateSymbolicLink(_folder["roots/a"], "b");
        File.CreateSymbolicLink(_folder["roots/b"], "a");

        Assert.Equal("Too many levels of symbolic links", Refusal("roots/a", isGiven: false));
        Assert.True(SafeFile.OpenToRead(_folder["roots/a"], out var problem) < 0);
        Assert.Equal("Too many levels of symbolic links", problem?.Text);
    }

    [Fact]
    public void In_a_folder_of_root_s_that_a_group_may_write_to_a_log_of_the_group_s_is_a_log()
    {
        File.SetUnixFileMode(_folder["roots"], GroupsToo);
        Run("chgrp", $"{Stranger}", _folder["roots"]);
        Write("roots/mail.log", "");
        Give("roots/mail.log", Stranger); // as rsyslog makes it
        File.CreateSymbolicLink(_folder["roots/link"], _folder["victim"]);

        Assert.Equal("", Refusal("roots/mail.log", isGiven: false));
        Assert.Contains("user ID", Refusal("roots/mail.log", isGiven: true), StringComparison.Ordinal);
        Assert.Contains("root does not follow a link", Refusal("roots/link", isGiven: false), StringComparison.Ordinal);
    }

    [Fact]
    public void Links_are_followed_to_read_but_not_by_who_could_not_read_the_file_himself()
    {
        Write("his/own", "his");
        Give("his/own", Keeper);
        File.CreateSymbolicLink(_folder["his/to-own"], "own");
        File.CreateSymbolicLink(_folder["his/to-victim"], _folder["victim"]);
        File.CreateSymbolicLink(_folder["roots/to-his"], _folder["his/own"]); // as certificates are renewed
        foreach (var link in (string[])["his/to-own", "his/to-victim"])
            Give(link, Keeper);

        foreach (var name in (string[])["his/own", "his/to-own", "roots/to-his", "victim"])
        {
            Close(SafeFile.OpenToRead(_folder[name], out var problem));
            Assert.Null(problem);
        }

        Run("ln", _folder["victim"], _folder["his/name-of-victim"]);
        Run("ln", _folder["his/own"], _folder["his/own-too"]);
        Run("ln", _folder["victim"], _folder["roots/name-of-victim"]);
        foreach (var name in (string[])["his/own-too", "roots/name-of-victim"])
        {
            Close(SafeFile.OpenToRead(_folder[name], out var problem));
            Assert.Null(problem);
        }

        Assert.True(SafeFile.OpenToRead(_folder["his/name-of-victim"], out var refusal) < 0);
        Assert.Contains("hard links", refusal?.Text, StringComparison.Ordinal);
        Assert.True(SafeFile.OpenToRead(_folder["his/to-victim"], out refusal) < 0);
        Assert.Equal($"root does not follow a link of user ID {Keeper} to a file of user ID 0", refusal?.Text);
    }

    [Fact]
    public void As_him_a_thread_makes_what_he_could_make_and_no_more_and_is_root_again()
    {
        string? hisProblem = "", rootsProblem = "";

        File.SetUnixFileMode(_folder.Path, File.GetUnixFileMode(_folder.Path) | UnixFileMode.OtherExecute);
        SafeFile.As(new FileKeeper(Keeper, Keeper), () =>
        {
            using var his = ListeningSocket.Open(_folder["his/control"], 1, isTakenOver: false, out hisProblem);
            using var roots = ListeningSocket.Open(_folder["roots/control"], 1, isTakenOver: false, out rootsProblem);
        });

        Assert.Null(hisProblem);
        Assert.Equal((Keeper, Private), (OwnerOf("his/control"), File.GetUnixFileMode(_folder["his/control"])));
        Assert.Equal($"cannot listen on {_folder["roots/control"]}: Permission denied", rootsProblem);
        Assert.Equal("secret", File.ReadAllText(_folder["victim"]));
    }

    [Fact]
    public void A_missing_folder_is_his_where_only_root_could_make_it_and_where_he_could()
    {
        Assert.Null(SafeFile.MakeFolder(_folder["roots/lib/data"], new FileKeeper(Keeper, Keeper)));
        Assert.Null(SafeFile.MakeFolder(_folder["his/lib/data/"], new FileKeeper(Keeper, Keeper)));
        Assert.Null(SafeFile.MakeFolder(_folder["roots/lib/data"], new FileKeeper(Stranger, Stranger))); // is there
        Directory.CreateSymbolicLink(_folder["his/link"], _folder["roots"]);
        Assert.NotNull(SafeFile.MakeFolder(_folder["his/link/data"], new FileKeeper(Keeper, Keeper)));
        Assert.Equal("Not a directory", SafeFile.MakeFolder(_folder["victim/data"], new FileKeeper(Keeper, Keeper))?.Text);

        Assert.Equal((0u, Keeper, Keeper, Keeper), (OwnerOf("roots/lib"), OwnerOf("roots/lib/data"), OwnerOf("his/lib"), OwnerOf("his/lib/data")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder["roots/lib/data"]));
        Assert.False(Directory.Exists(_folder["roots/data"]));
    }

    private string Refusal(string name, bool isGiven)
    {
        Close(SafeFile.OpenToAppend(_folder[name], 0b110_000_000, new FileKeeper(Keeper, Keeper), isGiven, out var problem));
        return problem?.Text ?? "";
    }

    private void AssertUntouched(string name) =>
        Assert.Equal(("secret", 0u, Private), (File.ReadAllText(_folder[name]), OwnerOf(name), File.GetUnixFileMode(_folder[name])));

    private void Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        File.SetUnixFileMode(_folder[name], Private);
    }

    private void Give(string name, uint user) => Run("chown", "-h", $"{user}:{user}", _folder[name]);

    private uint OwnerOf(string name) => Postern.Storage.FileFacts.Of(_folder[name])!.Value.Owner;

    private static void Close(int file)
    {
        if (file >= 0)
            _ = Libc.close(file);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}

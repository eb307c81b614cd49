using Postern.Native;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

public sealed class MaildirTests
{
    [Fact]
    public void A_missing_maildir_is_made_for_its_owner_only()
    {
        using var folder = new MailboxFolder();

        Maildir.Open(folder.Maildir, "host", TimeProvider.System);
        Maildir.Open(folder.Maildir, "host", TimeProvider.System);

        if (OperatingSystem.IsLinux())
        {
            foreach (var path in (string[])[folder.Maildir, .. Directory.GetDirectories(folder.Maildir)])
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
        }

        Assert.Equal(["cur", "new", "tmp"], Directory.GetDirectories(folder.Maildir).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_message_appears_whole_and_for_its_owner_only()
    {
        using var folder = new MailboxFolder();
        using var message = Maildir.Open(folder.Maildir, "a/b:c", TimeProvider.System).Create("1");

        message.Append("one\n"u8);
        Assert.Empty(folder.Files("new"));
        message.Append("two\n"u8);
        message.Commit();

        Assert.Equal("one\ntwo\n", Assert.Single(folder.NewMail()));
        Assert.Equal(8, message.Size);
        Assert.Empty(folder.Files("tmp"));
        var path = Assert.Single(folder.Files("new"));
        Assert.EndsWith("Q1.a\\057b\\072c", path);
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void An_unfinished_message_leaves_nothing()
    {
        using var folder = new MailboxFolder();

        using (var message = Maildir.Open(folder.Maildir, "host", TimeProvider.System).Create("1"))
            message.Append("half"u8);

        Assert.Empty(folder.Files("tmp"));
        Assert.Empty(folder.Files("new"));
    }

    [Fact]
    public void What_deliveries_have_left_is_removed_after_36_hours_and_nothing_else_is()
    {
        using var folder = new MailboxFolder();
        var maildir = Maildir.Open(folder.Maildir, "host", TimeProvider.System);
        foreach (var (name, hours) in ((string, double)[])[("tmp/old", 36.1), ("tmp/young", 35.9), ("tmp/now", 0), ("new/old", 1000), ("cur/old", 1000)])
        {
            File.WriteAllText(Path.Combine(folder.Maildir, name), "half");
            File.SetLastWriteTimeUtc(Path.Combine(folder.Maildir, name), DateTime.UtcNow.AddHours(-hours));
        }

        File.CreateSymbolicLink(Path.Combine(folder.Maildir, "tmp/link"), Path.Combine(folder.Maildir, "cur/old")); // of now, to something old
        Directory.CreateDirectory(Path.Combine(folder.Maildir, "tmp/folder"));

        Assert.Equal(1, maildir.RemoveLeftovers());

        Assert.Equal(["link", "now", "young"], folder.Files("tmp").Select(Path.GetFileName).Order());
        Assert.True(Directory.Exists(Path.Combine(folder.Maildir, "tmp/folder")));
        Assert.Equal(["old"], folder.Files("new").Select(Path.GetFileName));
        Assert.Equal(["old"], folder.Files("cur").Select(Path.GetFileName));
        Assert.Equal(0, maildir.RemoveLeftovers());
    }

    [Fact]
    public void A_vanished_folder_is_an_error_that_can_be_logged()
    {
        using var folder = new MailboxFolder();
        var maildir = Maildir.Open(folder.Maildir, "host", TimeProvider.System);
        Directory.Delete(Path.Combine(folder.Maildir, "tmp"));

        var problem = Assert.ThrowsAny<IOException>(() => maildir.Create("1"));

        Assert.Equal("No such file or directory", Errno.ReasonOf(problem));
    }
}

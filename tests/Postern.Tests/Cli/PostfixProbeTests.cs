using System.Runtime.Versioning;
using Postern.Cli;

namespace Postern.Tests.Cli;

[SupportedOSPlatform("linux")]
public sealed class PostfixProbeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("postern-probe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Postconf_says_which_Postfix_it_is_and_how_it_was_built()
    {
        Write("postconf", "#!/bin/sh\necho mail_version = 3.11.7; echo default_cache_db_type = lmdb; echo default_database_type =; echo postconf: warning: x >&2\n");

        var found = PostfixProbe.Find(_folder, _folder)!;

        Assert.Equal(("3.11.7", _folder + "/postconf"), (found.MailVersion, found.FoundIn));
        Assert.Equal("lmdb", Assert.Single(found.Defaults).Value);
    }

    [Fact]
    public void Another_program_is_asked_anew_and_the_same_is_not()
    {
        Write("postconf", "#!/bin/sh\necho mail_version = 3.10.1; echo x >>" + _folder + "/runs\n");
        PostfixProbe.Find(_folder, _folder);
        PostfixProbe.Find(_folder, _folder);
        Assert.Single(File.ReadLines(_folder + "/runs"));

        Write("postconf", "#!/bin/sh\necho mail_version = 3.11.1 and more\n");
        Assert.Equal("3.11.1 and more", PostfixProbe.Find(_folder, _folder)!.MailVersion);
    }

    [Fact]
    public void Without_it_or_when_it_fails_the_stamp_of_master_counts()
    {
        File.WriteAllText(_folder + "/master", "\u007fELF\0\0check_mail_version\0mail_version=3.10.13\0more");
        Assert.Equal(("3.10.13", _folder + "/master"), (PostfixProbe.Find(_folder, _folder)!.MailVersion, PostfixProbe.Find(_folder, _folder)!.FoundIn));

        Write("postconf", "#!/bin/sh\nexit 1\n");
        Assert.Equal("3.10.13", PostfixProbe.Find(_folder, _folder)!.MailVersion);
    }

    [Fact]
    public void Nothing_is_run_that_others_can_write()
    {
        Write("postconf", "#!/bin/sh\ntouch " + _folder + "/ran\necho mail_version = 3.11.7\n");
        File.SetUnixFileMode(_folder + "/postconf", File.GetUnixFileMode(_folder + "/postconf") | UnixFileMode.OtherWrite);
        Assert.Null(PostfixProbe.Find(_folder, _folder));

        File.SetUnixFileMode(_folder + "/postconf", File.GetUnixFileMode(_folder + "/postconf") & ~UnixFileMode.OtherWrite);
        File.Move(_folder + "/postconf", _folder + "/other");
        File.CreateSymbolicLink(_folder + "/postconf", _folder + "/other");
        Assert.Null(PostfixProbe.Find(_folder, _folder));
        Assert.False(File.Exists(_folder + "/ran"));
    }

    [Fact]
    public void Where_there_is_no_Postfix_there_is_none() => Assert.Null(PostfixProbe.Find(_folder, _folder));

    private void Write(string name, string text)
    {
        File.WriteAllText($"{_folder}/{name}", text);
        File.SetUnixFileMode($"{_folder}/{name}", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.SetLastWriteTimeUtc($"{_folder}/{name}", new DateTime(2026, 1, 1, 0, 0, text.Length % 60, DateTimeKind.Utc));
    }
}

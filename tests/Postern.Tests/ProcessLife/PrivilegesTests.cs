using Postern.ProcessLife;

namespace Postern.Tests.ProcessLife;

public sealed class PrivilegesTests
{
    private const string User = "nobody";

    [Fact]
    public void Root_is_given_up_by_every_thread_and_for_good()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can give up root");
        Assert.True(UserAccount.TryFind("mail_owner", User, out var account, out var problem), problem);
        var (user, group) = (account.User, account.Group);

        using var child = ChildProgram.Start($"drop {User}");
        var lines = child.StandardOutput.ReadToEnd().TrimEnd().Split('\n');
        child.WaitForExit();

        Assert.Equal(
            [
                "dropped True",
                "note ",
                "problem ",
                $"users {user} {user} {user} {user}",
                $"groups {group} {group} {group} {group}",
                "shadow denied",
                $"again True not started as root: running as user ID {user}, not as mail_owner {User}",
            ],
            lines);
    }

    [Theory]
    [InlineData("no-such-user", "parameter mail_owner: unknown user name value: no-such-user")]
    [InlineData("", "parameter mail_owner: unknown user name value: ")]
    [InlineData("root", "parameter mail_owner: user root has privileged user ID")]
    public void A_mail_owner_that_cannot_be_is_refused_in_Postfix_s_words(string user, string expected)
    {
        Assert.False(Privileges.TryFindOwner(user, out _, out var problem));

        Assert.Equal(expected, problem);
    }

    [Fact]
    public void A_wrong_mail_owner_leaves_the_process_as_it_is()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root would drop anything");

        Assert.False(Privileges.TryDrop("root", jail: null, out _, out var problem));

        Assert.Equal("parameter mail_owner: user root has privileged user ID", problem);
        Assert.True(Environment.IsPrivilegedProcess);
    }
}

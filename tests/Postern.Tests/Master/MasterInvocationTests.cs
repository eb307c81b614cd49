using Postern.Master;
using Postern.Tests.Config;

namespace Postern.Tests.Master;

public sealed class MasterInvocationTests
{
    [Fact]
    public void The_arguments_of_a_typical_line_are_understood()
    {
        var invocation = Read("-l", "-n", "smtp", "-t", "inet", "-u", "-c", "-s", "2", "-o", "postscreen_greet_wait = 3s", "-v", "-osoft_bounce=yes");

        Assert.Equal(("smtp", "inet", true, true, 2), (invocation.ServiceName, invocation.Type, invocation.IsLimitedToOne, invocation.IsJailed, invocation.ListenerCount));
        Assert.Equal(["-o", "postscreen_greet_wait = 3s", "-o", "soft_bounce=yes"], invocation.Overrides);
        Assert.Equal(14u, invocation.Generation); // "16" is octal
        Assert.Equal("/etc/postfix", invocation.ConfigDirectory);
    }

    [Fact]
    public void Letters_can_stand_together_and_a_missing_name_is_the_programs_own()
    {
        var invocation = Read("-tinet", "-uv");

        Assert.Equal(("postern", "inet", false, false, 1), (invocation.ServiceName, invocation.Type, invocation.IsLimitedToOne, invocation.IsJailed, invocation.ListenerCount));
    }

    [Theory]
    [InlineData("-t inet -o", "invalid option: o")]
    [InlineData("-t inet -q", "invalid option: q")]
    [InlineData("-t inet -s none", "invalid socket_count: none")]
    [InlineData("-t inet -s 0", "invalid socket_count: 0")]
    public void Bad_arguments_are_said_in_the_words_of_Postfix(string arguments, string expected)
    {
        Assert.False(MasterInvocation.TryRead(arguments.Split(' '), Environment("7"), out _, out var problem));
        Assert.Equal(expected, problem);
    }

    [Fact]
    public void A_word_ends_the_options()
    {
        var invocation = Read("-l", "-t", "inet", "-vo", "soft_bounce=yes", "#", "the", "gate", "-o", "postscreen_greet_wait=3s");

        Assert.Equal(["-o", "soft_bounce=yes"], invocation.Overrides);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("9")]
    [InlineData("777777777777")]
    public void Without_the_masters_environment_somebody_does_it_by_hand(string? generation)
    {
        Assert.False(MasterInvocation.TryRead(["-l", "-t", "inet"], Environment(generation), out _, out var problem));
        Assert.StartsWith("do not run this command by hand", problem);
    }

    [Theory]
    [InlineData("-l -n smtp -t inet -u", true)]
    [InlineData("serve -c /etc/postfix", false)]
    [InlineData("config -t", false)]
    [InlineData("--version", false)]
    public void The_words_of_people_are_told_from_those_of_the_master(string arguments, bool expected) =>
        Assert.Equal(expected, MasterInvocation.IsMeantBy(arguments.Split(' ')));

    [Fact]
    public void The_one_service_has_the_overrides_for_the_whole_process_and_the_other_lines_do_not_count()
    {
        var directory = new ConfigDirectory(
            "compatibility_level = 3.6\nmax_idle = 9s\n",
            "smtp inet n - n - 1 postern -o max_idle=1s\n2525 inet n - n - 1 postscreen\nbroken line\nsmtpd pass - - n - - smtpd\n");
        var entry = Read("-l", "-n", "2525", "-t", "inet", "-u", "-o", "max_idle=4s", "-o", "syslog_name=postfix/x", "-o", "postscreen_greet_wait=3s").ToEntry();

        var configuration = Postern.Core.Config.Configuration.Load("/etc/postfix", directory, directory.Host, service: entry);

        Assert.Empty(configuration.Problems);
        var service = Assert.Single(configuration.Services);
        Assert.Equal(("2525", TimeSpan.FromSeconds(3)), (service.Name, service.Settings.GreetWait));
        Assert.Equal((TimeSpan.FromSeconds(4), "postfix/x"), (configuration.Process!.MaxIdle, configuration.Process.SyslogName));
        Assert.Equal(2, service.Origin.Line);
    }

    private static MasterInvocation Read(params string[] arguments)
    {
        Assert.True(MasterInvocation.TryRead(arguments, Environment("16"), out var invocation, out var problem), problem);
        return invocation!;
    }

    private static Func<string, string?> Environment(string? generation) => name => name == "GENERATION" ? generation : null;
}

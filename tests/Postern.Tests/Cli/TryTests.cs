using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Postern.Tests.Logging;

namespace Postern.Tests.Cli;

/// <summary>The script ./try, which may be the first thing of Postern that anybody sees.</summary>
public sealed class TryTests : IDisposable
{
    private readonly TemporaryFolder _tools = new();

    public TryTests()
    {
        foreach (var tool in (string[])["bash", "cat", "chmod", "cp", "cut", "dirname", "grep", "id", "mktemp", "sed", "tr"])
            File.CreateSymbolicLink(_tools[tool], $"/usr/bin/{tool}");
    }

    public void Dispose() => _tools.Dispose();

    [Fact]
    public void Its_help_is_its_head()
    {
        var (status, output, errors) = Run("help");

        Assert.Equal((2, ""), (status, errors));
        Assert.StartsWith("See Postern at work", output, StringComparison.Ordinal);
        Assert.EndsWith("./try early    a client that does not wait (in a second terminal)\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "there is no dotnet on the PATH")]
    [InlineData("8.0.100", "this machine has: 8.0.100")]
    public void Without_the_SDK_it_says_where_to_get_it(string? sdk, string said)
    {
        if (sdk is not null)
            WriteTool("dotnet", $"echo '{sdk} [/usr/share/dotnet/sdk]'");

        var (status, output, errors) = Run();

        Assert.Equal((1, ""), (status, errors));
        Assert.Contains(said, output, StringComparison.Ordinal);
        Assert.Contains("dotnet-sdk-10.0", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decent")]
    [InlineData("early")]
    public void With_nothing_listening_it_says_so_and_no_more(string client)
    {
        using (var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            Assert.SkipUnless(IsFree(probe), "something listens on the port of ./try");

        var (status, output, errors) = Run(client);

        Assert.Equal((1, ""), (status, errors));
        Assert.EndsWith("Nothing listens on 127.0.0.1:2525. Is ./try running in another terminal?\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void As_root_it_copies_into_a_folder_that_nobody_else_can_have_made()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "who is not root serves the folder of the samples");
        WriteTool("dotnet", "[ \"$1\" != --list-sdks ] || echo '10.0.100 [/usr/share/dotnet/sdk]'; echo \"$@\"");

        var folders = Enumerable.Range(0, 2).Select(_ => Run().Output.Split('\n').Single(static line => line.StartsWith("src/Postern.Dashboard/bin", StringComparison.Ordinal)).Split(' ')[3]).ToList();

        try
        {
            Assert.NotEqual(folders[0], folders[1]);
            Assert.All(folders, static folder =>
            {
                Assert.Matches("^/tmp/postern-try\\.[A-Za-z0-9]{10}$", folder);
                Assert.Equal(0u, Postern.Storage.FileFacts.Of(folder)!.Value.Owner);
                Assert.True(File.Exists(folder + "/main.cf"));
            });
        }
        finally
        {
            folders.ForEach(static folder => Directory.Delete(folder, recursive: true));
        }
    }

    private static bool IsFree(Socket probe)
    {
        try
        {
            probe.Connect(IPAddress.Loopback, 2525);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private void WriteTool(string name, string script)
    {
        File.WriteAllText(_tools[name], $"#!{_tools["bash"]}\n{script}\n");
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(_tools[name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private (int Status, string Output, string Errors) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(_tools["bash"], [Path.Combine(Path.GetDirectoryName(Here())!, "../../../try"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = _tools.Path;
        using var script = Process.Start(start)!;
        var errors = script.StandardError.ReadToEndAsync();
        var output = script.StandardOutput.ReadToEnd();
        script.WaitForExit();
        return (script.ExitCode, output, errors.GetAwaiter().GetResult());
    }

    private static string Here([CallerFilePath] string path = "") => path;
}

namespace Postern.Interop.Tests;

/// <summary><c>postern man</c>, read by groff.</summary>
public sealed class ManVerbTests
{
    [Theory]
    [InlineData("postern", "POSTERN(8)", "allowlist forget", "--log-to-stdout", "Adds what export or postmap -s wrote")]
    [InlineData("postern.cf", "POSTERN.CF(5)", "postern_live_handover (yes or no", "postscreen_greet_wait (time, unit s", "TESTS BEFORE THE GREETING")]
    public void A_page_is_set_as_it_is_meant(string page, params string[] expected)
    {
        Tool.Require("groff", "sh");
        var file = Path.GetTempFileName();
        var (status, text) = PosternProcess.Run("man", page);
        File.WriteAllText(file, text);

        var set = Tool.Must("sh", "-c", "groff -man -P-cbou -Tutf8 -rLL=200n \"$0\" 2>&1", file);
        File.Delete(file);

        Assert.Equal(0, status);
        Assert.All(expected, words => Assert.Contains(words, set, StringComparison.Ordinal));
        Assert.DoesNotContain("warning", set, StringComparison.Ordinal);
        Assert.DoesNotContain("`", set, StringComparison.Ordinal);
    }
}

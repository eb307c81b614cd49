using System.Diagnostics;
using System.Text;
using Postern.Storage;

namespace Postern.Tests.Storage;

public sealed class TextFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("postern-").FullName;
    private readonly TextFiles _files = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_byte_comes_back_as_its_Latin1_character()
    {
        var bytes = Enumerable.Range(0, 100_000).Select(i => (byte)i).ToArray();
        File.WriteAllBytes(InFolder("f"), bytes);

        Assert.True(_files.TryRead(InFolder("f"), out var file, out _));

        Assert.Equal(bytes, Encoding.Latin1.GetBytes(file.Text));
        Assert.Equal(100_000, file.Stamp.Size);
        Assert.NotEqual(0ul, file.Stamp.Inode);
        Assert.Equal(File.GetLastWriteTimeUtc(InFolder("f")).Ticks, file.Stamp.ModifiedTicks);
        Assert.Equal(file.Stamp, _files.Stamp(InFolder("f")));
    }

    [Fact]
    public void A_path_is_bytes_too()
    {
        File.WriteAllText(InFolder("é"), "text");
        var path = InFolder(Encoding.Latin1.GetString("é"u8));

        Assert.True(_files.TryRead(path, out var file, out _));
        Assert.Equal("text", file.Text);
        Assert.NotNull(_files.Stamp(path));
    }

    [Fact]
    public void Reasons_are_the_systems_words()
    {
        Assert.False(_files.TryRead(InFolder("missing"), out _, out var reason));
        Assert.Equal("No such file or directory", reason);
        Assert.Null(_files.Stamp(InFolder("missing")));

        Assert.False(_files.TryRead(_folder, out _, out reason));
        Assert.Equal("Is a directory", reason);

        File.WriteAllText(InFolder("f"), "");
        Assert.False(_files.TryRead(InFolder("f/below"), out _, out reason));
        Assert.Equal("Not a directory", reason);

        Assert.False(_files.TryRead("nul\0", out _, out reason));
        Assert.Equal("No such file or directory", reason);
        Assert.Null(_files.Stamp("nul\0"));
    }

    [Fact]
    public void A_file_without_a_size_is_read_to_its_end()
    {
        Assert.True(_files.TryRead("/proc/self/status", out var file, out _));

        Assert.Contains("VmRSS", file.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dev/zero")] // no size, no end
    [InlineData("f")]
    public void A_file_beyond_the_bound_is_refused(string name)
    {
        File.WriteAllText(InFolder("f"), new string('x', 1001));

        Assert.False(new TextFiles(mostBytes: 1000).TryRead(Path.Combine(_folder, name), out _, out var reason));

        Assert.Equal("File too large", reason);
    }

    [Fact]
    public void A_file_of_exactly_the_bound_is_read()
    {
        File.WriteAllText(InFolder("f"), new string('x', 1000));

        Assert.True(new TextFiles(mostBytes: 1000).TryRead(InFolder("f"), out var file, out _));
        Assert.Equal(1000, file.Text.Length);
    }

    [Fact]
    public void A_named_pipe_is_refused_without_waiting_and_is_not_taken_for_an_empty_file()
    {
        using (var mkfifo = Process.Start("mkfifo", InFolder("fifo")))
            mkfifo.WaitForExit();

        Assert.False(_files.TryRead(InFolder("fifo"), out _, out var reason));
        Assert.Equal("it is a named pipe, not a file", reason);
    }

    [Fact]
    public void A_replaced_file_has_another_stamp()
    {
        File.WriteAllText(InFolder("f"), "a");
        var before = _files.Stamp(InFolder("f"));

        File.WriteAllText(InFolder("new"), "b");
        File.SetLastWriteTimeUtc(InFolder("new"), File.GetLastWriteTimeUtc(InFolder("f")));
        File.Move(InFolder("new"), InFolder("f"), overwrite: true);

        Assert.NotEqual(before, _files.Stamp(InFolder("f")));
    }

    private string InFolder(string name) => Path.Combine(_folder, name);
}

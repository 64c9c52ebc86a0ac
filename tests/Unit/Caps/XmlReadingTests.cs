using System.Diagnostics;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using CsCheck;
using GlobalCache.Client.Caps;
using XmlText = GlobalCache.Client.Caps.XmlText;

namespace GlobalCache.Tests.Caps;

/// <summary>Our scanner against the platform's own XML reader.</summary>
public sealed class XmlReadingTests
{
    private static readonly Gen<string> Words = Gen.Char["abc 1&<>\"'é\u4e16]\t"].Array[0, 12].Select(c => new string(c));

    [Fact]
    public void Any_map_is_read_as_the_platform_reads_it_however_it_is_written() =>
        Gen.Select(Gen.Select(Words, Words, Gen.Int[0, 2]).Array[1, 8], Gen.Bool, Gen.Bool).Sample((members, indent, declaration) =>
        {
            var map = new XElement("map");
            foreach ((string key, string value, int how) in members)
                map.Add(new XElement("key", key), how switch
                {
                    0 => new XElement("string", value),
                    1 => new XElement("string", new XCData(value.Replace("]]>", "", StringComparison.Ordinal))),
                    _ => new XElement("array", new XElement("string", value), new XElement("undef"), new XComment(" no < member ")),
                });
            byte[] bytes = Write(new XElement("llsd", map), indent, declaration);
            XElement[] written = [.. XDocument.Load(new MemoryStream(bytes), LoadOptions.PreserveWhitespace).Root!.Element("map")!.Elements()];
            ReplyDocument document = ReplyDocument.TryRead(bytes, keepDepth: 2)!;
            Value[] read = [.. document.Children(document.Root)];
            Assert.Equal(written.Length / 2, read.Length);
            for (int i = 0; i < read.Length; i++)
            {
                Assert.Equal(written[2 * i].Value, XmlText.Decode(document.Key(read[i])));
                XElement value = written[2 * i + 1];
                if (value.Name == "string") Assert.Equal(value.Value, document.Text(read[i]));
                else Assert.Equal([value.Element("string")!.Value, ""], document.Children(read[i]).Select(v => document.Text(v)));
            }
        }, iter: 500);

    [Fact]
    public void A_patched_value_is_read_back_and_every_other_stays() =>
        Gen.Select(Words.Array[3, 8], Gen.Int[0, 2], Words, Gen.Bool).Sample((values, at, with, indent) =>
        {
            var map = new XElement("map", values.SelectMany((v, i) => (XElement[])[new XElement("key", $"k{i}"), new XElement("string", new XText(v + "."))]));
            byte[] bytes = Write(new XElement("llsd", map), indent, declaration: false);
            ReplyDocument document = ReplyDocument.TryRead(bytes, keepDepth: 1)!;
            var patches = new PatchList();
            document.PatchText(patches, document.Find(document.Root, Encoding.ASCII.GetBytes($"k{at}"))!.Value, with);
            string[] read = [.. XDocument.Parse(Encoding.UTF8.GetString(patches.Apply(bytes)), LoadOptions.PreserveWhitespace).Descendants("string").Select(e => e.Value)];
            Assert.Equal(values.Select((v, i) => i == at ? with : v + "."), read);
        }, iter: 500);

    [Fact]
    public void What_the_platform_refuses_is_refused_where_structure_is_at_stake()
    {
        foreach (string broken in (string[])["<a><b></a></b>", "<a>", "</a>", "<a></a><b/>", "x<a/>", "<a/>x", "<a b='></a>", "<a><!-- </a>", "<a><![CDATA[</a>", "<a", "<a <b/>", "<", "<>", "<a></a", "<!ELEMENT x><a/>", "<a><!DOCTYPE b></a>", ""])
        {
            Assert.ThrowsAny<XmlException>(() => XDocument.Parse(broken));
            var xml = new XmlScanner(Encoding.UTF8.GetBytes(broken));
            while (xml.Read()) Debug.Assert(xml.End > xml.Start);
            Assert.True(xml.IsMalformed, broken);
        }
    }

    [Theory]
    [InlineData("&amp;&lt;&gt;&quot;&apos;", "&<>\"'")]
    [InlineData("&#65;&#x42;&#X43;&#x1F600;", "ABC\U0001F600")]
    [InlineData("a<![CDATA[<&]]>b<!-- c --><?d e?>f", "a<&bf")]
    [InlineData("&nbsp;", null)]
    [InlineData("&", null)]
    [InlineData("&#xD800;", null)]
    [InlineData("&#-1;", null)]
    [InlineData("&#99999999999;", null)]
    [InlineData("<b/>", null)]
    [InlineData("<![CDATA[", null)]
    public void Text_is_decoded_or_refused(string content, string? text) => Assert.Equal(text, XmlText.Decode(Encoding.UTF8.GetBytes(content)));

    [Fact]
    public void Text_too_long_to_be_an_address_is_not_decoded() => Assert.Null(XmlText.Decode(new byte[XmlText.MaxLength + 1]));

    private static byte[] Write(XElement root, bool indent, bool declaration)
    {
        using var stream = new MemoryStream();
        using (var writer = XmlWriter.Create(stream, new XmlWriterSettings { Indent = indent, OmitXmlDeclaration = !declaration, Encoding = new UTF8Encoding(declaration) }))
            root.Save(writer);
        return stream.ToArray();
    }
}
